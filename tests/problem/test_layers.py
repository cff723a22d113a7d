"""Layers by name, number or module, several at once, and some of their numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs

IMAGES = torch.rand(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))
SHAPE = (1, 6, 6)


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(48, 8), nn.Tanh(), nn.Linear(8, 2)
        ).eval()


class Tokens(nn.Module):
    """Four tokens of five numbers an image, as (batch, tokens, features)."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.embed, self.head = nn.Linear(9, 5), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embed(x.reshape(-1, 4, 9)).mean(dim=1))


def at(layer, module=None, **options) -> fs.LatentMap:
    return fs.LatentMap.at_layer(network() if module is None else module, layer, input_shape=SHAPE, **options)


def test_numbers_of_several_layers_are_joined_in_the_order_given():
    one, other = at("4")(IMAGES), at("0")(IMAGES)
    joined = at(("4", "0"))
    assert joined.latent_size == 8 + 48
    assert torch.equal(joined(IMAGES), torch.cat([one, other], dim=1))  # though what follows "0" works in place
    fiber = fs.Fiber.through(joined, IMAGES[:1])
    assert fs.jacobian(joined, IMAGES).shape == (4, 56, 36)
    assert bool(fiber.residual(IMAGES[:1]).norm() == 0)


def test_a_layer_may_be_its_number_or_the_module_itself():
    model = network()
    for layer in (3, "3", model[3]):
        assert torch.equal(at(layer, model)(IMAGES), at("3", model)(IMAGES))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (17, "no layer 17"),
        (-1, "no layer -1"),
        (True, "found bool"),
        ([], "expected at least one layer"),
        (("1", "1"), "each named once"),
        (("1", "nine"), "no layer 'nine'"),
        (nn.Tanh(), "this Tanh is no layer of Sequential"),
    ],
)
def test_what_is_no_layer_is_refused_in_words(layer, message):
    with pytest.raises(fs.FiberscopeError, match=message):
        at(layer)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_layers_inside_torchscript_are_refused_by_that_name():
    with pytest.raises(fs.ModelError, match="inside a TorchScript module"):
        at("1", torch.jit.script(network()))


@pytest.mark.parametrize("caught", [Exception, BaseException])
def test_a_try_in_the_users_forward_does_not_swallow_the_end_of_a_pass(caught):
    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(36, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            try:
                hidden = self.body(2 * x.flatten(1))
            except caught:
                hidden = torch.zeros(len(x), 4)
            return self.head(hidden)

    model = Careful().eval()
    assert torch.equal(at("body", model)(IMAGES), model.body(2 * IMAGES.flatten(1)))


@pytest.mark.parametrize(
    ("select", "wanted"),
    [
        (1, lambda h: h[:, 1].flatten(1)),
        (-1, lambda h: h[:, 2].flatten(1)),
        ([0, 2], lambda h: h[:, [0, 2]].flatten(1)),
        (slice(1, None), lambda h: h[:, 1:].flatten(1)),
        (torch.tensor([True, False, True]), lambda h: h[:, [0, 2]].flatten(1)),
        (torch.tensor([2.0, 0.0, -1.0]), lambda h: (2 * h[:, 0] - h[:, 2]).flatten(1)),
        (torch.eye(48)[:7], lambda h: h.flatten(1)[:, :7]),
        (lambda h: h.mean(dim=(2, 3)), lambda h: h.mean(dim=(2, 3))),
    ],
)
def test_some_channels_of_a_layer_are_selected(select, wanted):
    latent_map = at("0", select=select)
    hidden = network()[0](IMAGES)
    assert torch.allclose(latent_map(IMAGES), wanted(hidden), atol=1e-6)
    assert latent_map.latent_size == wanted(hidden).shape[1]
    assert fs.project(fs.Fiber.through(latent_map, IMAGES[:2]), IMAGES[2:]).outcome[0] is fs.Outcome.CONVERGED


def test_one_token_and_a_direction_in_every_token_are_selected():
    model = Tokens().eval()
    tokens = model.embed(IMAGES.reshape(-1, 4, 9))
    assert torch.allclose(at("embed", model, select=2)(IMAGES), tokens[:, 2])
    direction = torch.arange(5.0)
    assert torch.allclose(at("embed", model, select=direction)(IMAGES), tokens @ direction, atol=1e-6)


def test_a_whole_output_and_joined_layers_can_be_selected_from():
    assert torch.equal(fs.LatentMap(network(), SHAPE, select=1)(IMAGES), network()(IMAGES)[:, 1:])
    assert torch.equal(at(("3", "5"), select=[0, 9])(IMAGES)[:, 1:], network()(IMAGES)[:, 1:])


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (3, "has 3 places along its first axis, from 0 to 2"),
        ([], "nothing is selected"),
        (slice(5, 9), "nothing is selected"),
        (torch.ones(2, 7), r"a matrix of 2 x 7 fits no axis of the layer's output \(3, 4, 4\)"),
        (torch.full((3,), torch.nan), "NaN"),
        (torch.ones(2, 2, 2), r"expected a finite matrix \(k, p\)"),
        (True, "select: expected places"),
    ],
)
def test_a_selection_that_fits_nothing_is_refused_in_words(select, message):
    with pytest.raises(fs.FiberscopeError, match=message):
        at("0", select=select)


class Recurrent(nn.Module):
    """Rows of an image one after another, the layer that reads them under two names."""

    def __init__(self):
        super().__init__()
        self.rows = nn.LSTM(6, 4, batch_first=True)
        self.reader = self.rows
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.reader(x[:, 0])[0][:, -1])


def test_a_part_of_a_tuple_can_be_selected():
    images = torch.rand(2, 1, 6, 6)
    network = Recurrent().eval()
    latent_map = fs.LatentMap.at_layer(network, "rows", input_shape=(1, 6, 6), select=lambda out: out[0][:, -1])
    torch.testing.assert_close(latent_map(images), network.rows(images[:, 0])[0][:, -1])
    with pytest.raises(fs.ModelError, match=r"'rows' gives a tuple, not one tensor.*select=lambda output: output\[0\]"):
        fs.LatentMap.at_layer(network, "rows", input_shape=(1, 6, 6))
    with pytest.raises(fs.ModelError, match="its output is a NoneType"):
        fs.LatentMap(network, (1, 6, 6), select=lambda out: None)


def test_a_layer_answers_to_each_of_its_names():
    network = Recurrent().eval()
    for name in ("rows", "reader"):
        latent_map = fs.LatentMap.at_layer(network, name, input_shape=(1, 6, 6), select=lambda out: out[0])
        assert latent_map.latent_size == 24
    with pytest.raises(fs.FiberscopeError, match="each named once"):
        fs.LatentMap.at_layer(network, ("rows", "reader"), input_shape=(1, 6, 6))


def test_outputs_of_several_axes_and_of_none_become_rows():
    conv = nn.Conv2d(1, 2, 3).eval()
    assert torch.equal(fs.LatentMap(conv, SHAPE)(IMAGES), conv(IMAGES).flatten(1))
    total = fs.LatentMap(lambda x: x.flatten(1).sum(dim=1), SHAPE)
    assert total.latent_size == 1
    assert torch.equal(total(IMAGES)[:, 0], IMAGES.flatten(1).sum(dim=1))


def test_a_network_that_overwrites_its_input_is_explored_as_if_it_did_not():
    def make(*, inplace: bool) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return nn.Sequential(nn.ReLU(inplace=inplace), nn.Flatten(), nn.Linear(36, 3), nn.Tanh()).eval()

    kept, box = IMAGES.clone(), fs.Box(-1.0, 1.0)
    found = [
        fs.project(fs.Fiber.through(fs.LatentMap(make(inplace=each), SHAPE), IMAGES[:2], box=box), IMAGES[2:]).points
        for each in (True, False)
    ]
    assert torch.equal(*found)
    assert torch.equal(IMAGES, kept)


def test_a_step_that_overwrites_what_backward_needs_is_named():
    with pytest.raises(fs.ModelError, match="overwrites in place what an earlier one still needs"):
        fs.LatentMap(lambda x: x.flatten(1).exp().add_(1).mul_(2), SHAPE)


def test_lazy_layers_are_named():
    with pytest.raises(
        fs.ModelError, match=r"lazy layers.*Run one pass first: model\(torch.rand\(1, \*input_shape\)\)"
    ):
        fs.LatentMap(nn.Sequential(nn.Flatten(), nn.LazyLinear(4)).eval(), SHAPE)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("freeze", [False, True])
def test_torchscript_is_explored(freeze):
    model = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.Tanh()).eval())
    model = torch.jit.freeze(model) if freeze else model
    found = fs.project(fs.Fiber.through(fs.LatentMap(model, SHAPE), IMAGES[:1]), IMAGES[1:2])
    assert found.outcome == (fs.Outcome.CONVERGED,)


class Exponential(torch.autograd.Function):
    """Without forward mode, written the old way."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0].exp()


def attention(x: Tensor) -> Tensor:
    tokens = x.reshape(-1, 1, 4, 1).expand(-1, 2, 4, 8) * torch.linspace(-1, 1, 8)
    return nn.functional.scaled_dot_product_attention(tokens, tokens, tokens).flatten(1)


@pytest.mark.parametrize("model", [lambda x: Exponential.apply(x.flatten(1).repeat(1, 5)), attention])
def test_more_latents_than_pixels_need_no_forward_mode(model):
    images = torch.rand(3, 4, generator=torch.Generator().manual_seed(1))
    latent_map = fs.LatentMap(model, (4,))
    assert latent_map.latent_size > 4
    wanted = torch.autograd.functional.jacobian(lambda x: model(x[None])[0], images[0])
    assert torch.allclose(fs.jacobian(latent_map, images)[0], wanted, atol=1e-5)
    assert fs.project(fs.Fiber.through(latent_map, images[:1]), images[1:2]).outcome == (fs.Outcome.CONVERGED,)
