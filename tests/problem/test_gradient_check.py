"""A gradient that is not the derivative is refused, with what was seen; kinks are no reason."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs

SHAPE = (1, 6, 6)


class Does(nn.Module):
    """A layer made of a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def network(*middle: nn.Module, last: nn.Module | None = None) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        rest = (nn.Linear(24, 5),) if last is None else (nn.Linear(24, 5), last)
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 24), *middle, *rest).eval()


def hooked() -> nn.Module:
    model = network(nn.ReLU())
    model[2].register_full_backward_hook(lambda _module, grads, _outputs: tuple(g.clamp(min=0) for g in grads))
    return model


class OwnBackward(torch.autograd.Function):
    """Sine, with a backward that forgets the cosine."""

    @staticmethod
    def forward(ctx, x):
        return x.sin()

    @staticmethod
    def backward(ctx, grad):
        return grad


class OwnForwardMode(torch.autograd.Function):
    """Sine, with a jvp that forgets the cosine."""

    @staticmethod
    def forward(x):
        return x.sin()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0].cos()

    @staticmethod
    def jvp(ctx, tangent):
        return 1 * tangent


def straight_through(x: Tensor) -> Tensor:
    return x + ((4 * x).round() / 4 - x).detach()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (hooked, "gradient is not its derivative.*seen: a backward hook is left on at 2"),
        (lambda: network(Does(straight_through)), "gradient is not its derivative"),
        (lambda: network(Does(OwnBackward.apply)), "gradient is not its derivative"),
        (lambda: network(Does(lambda x: x * x.detach())), "gradient is not its derivative"),
        (lambda: network(Does(lambda x: x.half().to(x.dtype))), "computes in float16 inside"),
        (lambda: network(last=Does(torch.round)), "jump, and their derivative is zero everywhere.*seen: .*round"),
        (lambda: network(last=Does(torch.sign)), "jump, and their derivative is zero everywhere.*seen: .*sign"),
        (lambda: network(last=Does(lambda x: torch.cat([x, x.floor()], 1))), "such as number [5-9] jump.*floor"),
        (lambda: nn.Sequential(Does(lambda x: (255 * x).round() / 255), *network()), "jump, and their derivative"),
    ],
)
def test_a_gradient_that_is_no_derivative_is_refused(make, message, dtype):
    with pytest.raises(fs.ModelError, match=message):
        fs.LatentMap(make().to(dtype), SHAPE)


class Beside(nn.Module):
    """What is given, once as it is and once changed, side by side."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[:, :12], self.change(x[:, 12:])], dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("change", [lambda x: (8 * x).round() / 8, lambda x: (4 * x).frac(), lambda x: x % 0.2])
def test_rounding_is_refused_also_where_another_way_leads_around_it(change, dtype):
    with pytest.raises(fs.ModelError, match=r"jump where something is rounded.*seen: operators that round"):
        fs.LatentMap(network(Beside(change)).to(dtype), SHAPE)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.floor() + (x - x.floor()),
        lambda x: (2 * x - (2 * x).round()).abs(),
        lambda x: x.sign() * x.abs().sqrt(),
    ],
)
def test_a_function_that_rounds_and_does_not_jump_is_taken(change):
    assert fs.LatentMap(network(Beside(change), nn.ReLU()), SHAPE).latent_size == 5


def test_gradients_however_small_are_derivatives():
    assert fs.LatentMap(lambda x: 1e-30 * x.flatten(1)[:, :5], SHAPE).latent_size == 5


def test_single_precision_inside_double_is_refused():
    with pytest.raises(fs.ModelError, match="seen: it computes in float32 inside"):
        fs.LatentMap(network(Does(lambda x: x.float().double())).double(), SHAPE)


def test_a_wrong_forward_mode_is_refused_where_it_would_be_used():
    early = nn.Sequential(nn.Flatten(), nn.Linear(36, 50), Does(OwnForwardMode.apply)).eval()
    with pytest.raises(fs.ModelError, match="forward mode and backpropagation give different derivatives"):
        fs.LatentMap(early, SHAPE)


@pytest.mark.parametrize(
    "make", [hooked, lambda: network(Does(straight_through)), lambda: network(last=Does(torch.sign))]
)
def test_a_surrogate_gradient_is_taken_on_purpose(make):
    latent_map = fs.LatentMap(make(), SHAPE, surrogate_gradient=True)
    assert latent_map.surrogate_gradient
    assert fs.LatentMap.at_layer(make(), "3", input_shape=SHAPE, surrogate_gradient=True).surrogate_gradient
    assert not fs.LatentMap(network(), SHAPE).surrogate_gradient


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "layers",
    [
        lambda: (nn.ReLU(), nn.ReLU6()),
        lambda: (nn.Unflatten(1, (1, 4, 6)), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6, 24), nn.Hardswish()),
        lambda: (nn.Hardtanh(), nn.LayerNorm(24), nn.LeakyReLU()),
        lambda: (nn.Threshold(100, 0),),  # dead
        lambda: (Does(lambda x: torch.sigmoid(1e4 * x)),),  # saturated
        lambda: (Does(lambda x: 1 / x),),
        lambda: (Does(lambda x: torch.sin(50 * x)),),
        lambda: (Does(lambda x: x.abs() ** 0.1),),
        lambda: (Does(lambda x: torch.sort(x, dim=1).values),),
    ],
)
def test_kinks_poles_and_dead_latents_are_no_reason_to_refuse(layers, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Flatten(), nn.Linear(36, 24), *layers(), nn.Linear(24, 5)).eval()
        assert fs.LatentMap(model, SHAPE).latent_size == 5
        assert fs.LatentMap(model.forward, SHAPE).latent_size == 5  # a function has no float64 twin


class Twice(nn.Module):
    """A layer under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(36, 36)
        self.again = self.first
        self.last = nn.Linear(36, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.again(self.first(x.flatten(1)).tanh()))


def tied() -> nn.Module:
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 36), nn.Tanh(), nn.Linear(36, 36))
    model[3].weight = model[1].weight
    return model


@pytest.mark.parametrize("make", [lambda: network(nn.BatchNorm1d(24)), Twice, tied])
def test_the_check_leaves_the_network_as_it_was(make):
    model = make().requires_grad_(True).eval()
    before = {name: (id(each), each.clone(), each.requires_grad) for name, each in model.named_parameters()}
    fs.LatentMap(model, SHAPE)
    for name, each in model.named_parameters():
        same, value, grad = before[name]
        assert id(each) == same
        assert torch.equal(each, value)
        assert each.requires_grad == grad
        assert each.grad is None
