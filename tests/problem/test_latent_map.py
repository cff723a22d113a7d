from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs

IMAGES = torch.rand(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))


class Flatten(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 5), nn.ReLU(), nn.Linear(5, 3)).eval()


def test_it_maps_images_and_flat_rows_alike():
    latent_map = fs.LatentMap(network(), (1, 6, 6))
    assert torch.equal(latent_map(IMAGES), latent_map(latent_map.flatten(IMAGES)))
    assert (latent_map.latent_size, latent_map.input_size) == (3, 36)


def test_it_takes_dtype_from_the_model():
    assert fs.LatentMap(network().double(), (1, 6, 6)).dtype == torch.float64


def test_a_layer_is_cut_by_name_and_nothing_after_it_runs():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    after = []
    model[3].register_forward_hook(lambda *_: after.append(1))
    latent_map = fs.LatentMap.at_layer(model, "1", input_shape=(1, 6, 6))
    after.clear()
    assert torch.allclose(latent_map(IMAGES), model[1](IMAGES.flatten(1)))
    assert after == []
    assert fs.jacobian(latent_map, IMAGES).shape == (4, 4, 36)


def test_channels_of_a_layer_become_one_row_of_numbers():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(32, 3)).eval()
    for layer in ("0", "1"):
        latent_map = fs.LatentMap.at_layer(model, layer, input_shape=(1, 6, 6))
        assert latent_map.latent_size == 32
    assert torch.equal(latent_map(IMAGES), model[:3](IMAGES))


def test_an_unknown_layer_lists_close_names():
    model = nn.Sequential()
    model.add_module("encoder", nn.Linear(36, 4))
    with pytest.raises(fs.FiberscopeError, match=r"no layer 'encodr'\. Close names: encoder"):
        fs.LatentMap.at_layer(model, "encodr", input_shape=(36,))


def test_a_layer_used_twice_is_no_one_latent():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Linear(36, 36)

        def forward(self, x: Tensor) -> Tensor:
            return self.mix(torch.relu(self.mix(x)))

    with pytest.raises(fs.ModelError, match="layer: 'mix' runs 2 times"):
        fs.LatentMap.at_layer(Twice().eval(), "mix", input_shape=(36,))


def test_a_layer_that_never_runs_is_named():
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.Linear(36, 3), nn.Linear(36, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    with pytest.raises(fs.ModelError, match="'idle' never ran"):
        fs.LatentMap.at_layer(Idle().eval(), "idle", input_shape=(36,))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(36, 3)).train(), r"Dropout\) is in train mode.*eval\(\)"),
        (nn.Sequential(nn.BatchNorm2d(1), nn.Flatten()).train(), r"BatchNorm2d\) is in train mode.*eval\(\)"),
        (lambda x: x.sum(), r"shape \(\), not \(batch, \.\.\.\): at least one number for each image"),
        (lambda x: x.flatten(), r"shape \(108, 1\), not \(batch, \.\.\.\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(35, 3)), "forward pass .* failed with RuntimeError.*input_shape"),
        (lambda x: (x, x), "output is a tuple of 2, not one tensor"),
        (lambda x: {"logits": x, "features": x}, "output is a dict of logits, features, not one tensor. Wrap it"),
        (nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).half(), r"1.weight is float16.*Call model.float\(\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).bfloat16(), r"1.weight is bfloat16.*Call model.float\(\)"),
        (nn.Sequential(nn.Flatten(), nn.Embedding(9, 3)), "looks integers up in 1: explore the part behind that table"),
        (lambda x: x.flatten(1).argmax(1, keepdim=True), "dtype torch.int64, not a float"),
        (lambda x: x.flatten(1).double(), "output has dtype torch.float64, its input torch.float32"),
        (lambda x: x.flatten(1) + torch.rand(1), "not deterministic"),
        (lambda x: x.flatten(1) - x.flatten(1).mean(0), "rows influence each other"),
        (lambda x: x.flatten(1).detach(), "does not depend differentiably"),
        (lambda x: torch.tensor(x.detach().flatten(1).numpy()), "does not depend differentiably"),
        (lambda x: x.flatten(1) / 0, "not finite"),
        (lambda x: x.flatten(1).cumsum(0), "rows influence each other"),
        (lambda x: x.flatten(1)[:, :0], r"shape \(3, 0\), not \(batch, \.\.\.\)"),
    ],
)
def test_a_probe_names_what_is_wrong_with_a_model(module, message):
    with pytest.raises(fs.ModelError, match=message):
        fs.LatentMap(module, (1, 6, 6))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize_per_tensor:UserWarning")
def test_quantised_layers_are_named():
    from torch.ao.nn.quantized.dynamic import Linear

    with pytest.raises(fs.ModelError, match=r"layer 1 \(Linear\) is quantised.*before quantisation"):
        fs.LatentMap(nn.Sequential(nn.Flatten(), Linear(36, 3)).eval(), (1, 6, 6))


def test_probing_leaves_a_train_mode_model_as_it_was():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten()).train()
    before = model[0].running_mean.clone()
    with pytest.raises(fs.ModelError):
        fs.LatentMap(model, (1, 6, 6))
    assert torch.equal(model[0].running_mean, before)
    assert model.training


def test_cutting_at_a_layer_leaves_every_mode_as_it_was():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)).eval()
    model[2].train()
    with pytest.raises(fs.ModelError, match=r"layer 2 \(BatchNorm1d\) is in train mode"):
        fs.LatentMap.at_layer(model, "3", input_shape=(1, 6, 6))
    assert [layer.training for layer in model] == [False, False, True, False]
    model.train()
    model[2].eval()
    assert fs.LatentMap.at_layer(model, "3", input_shape=(1, 6, 6)).latent_size == 3
    assert [layer.training for layer in model] == [True, True, False, True]


def test_what_follows_the_layer_need_not_fit_the_images():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.Linear(999, 2)).eval()
    assert fs.LatentMap.at_layer(model, "1", input_shape=(1, 6, 6)).latent_size == 4


def test_train_mode_without_layers_that_mind_is_no_error():
    assert fs.LatentMap(network().train(), (1, 6, 6)).latent_size == 3


def test_eval_mode_batch_norm_and_dropout_pass():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(), nn.Flatten()).eval()
    assert fs.LatentMap(model, (1, 6, 6)).latent_size == 36


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(1, 6, 6), r"images: expected shape \(batch, 1, 6, 6\), found \(1, 6, 6\). Add the batch dimension"),
        (torch.rand(2, 1, 5, 6), r"found \(2, 1, 5, 6\)"),
        (torch.rand(2, 1, 6, 6).double(), "expected torch.float32 as the model has, found torch.float64"),
        (torch.full((3, 1, 6, 6), torch.nan), "NaN or infinity in row 0, 1, 2"),
        (torch.rand(2, 1, 6, 6, device="meta"), "expected on cpu as the model is, found on meta"),
        (torch.rand(2, 1, 6, 6) * 255, r"row 0 leaves the box.*divide by 255"),
        (torch.rand(2, 1, 6, 6) - 0.5, "leaves the box"),
    ],
)
def test_images_that_do_not_fit_are_refused_at_every_door(images, message):
    latent_map = fs.LatentMap(network(), (1, 6, 6))
    fiber = fs.Fiber.through(latent_map, IMAGES[:1])
    doors = [
        lambda: fs.Fiber.through(latent_map, images),
        lambda: fs.project(fiber, images),
        lambda: fs.nearest(fiber, images),
        lambda: fs.walk(fiber, images, torch.ones(len(images), 36)),
    ]
    for door in doors:
        with pytest.raises(fs.FiberscopeError, match=message):
            door()


@pytest.mark.parametrize("shape", [(), (0, 3)])
def test_an_input_shape_of_nothing_is_refused(shape):
    with pytest.raises(fs.FiberscopeError, match="input_shape: expected the shape of one image"):
        fs.LatentMap(network(), shape)


def test_a_whole_pass_of_another_thread_does_not_end_at_the_layer():
    module, images = network(), IMAGES[:1]
    latent_map = fs.LatentMap.at_layer(module, "1", input_shape=(1, 6, 6))
    whole, cut = module(images), latent_map(images)

    def look(number: int) -> bool:
        function, expected = (module, whole) if number % 2 else (latent_map, cut)
        return all(torch.equal(function(images), expected) for _ in range(300))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(look, range(8)))


class Reader(nn.Module):
    """An encoder and a head; ``prepare`` is what happens to the images before them."""

    def __init__(self, prepare):
        super().__init__()
        self.encoder, self.head, self.prepare, self.passes = nn.Linear(36, 5), nn.Linear(5, 3), prepare, 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return self.head(self.prepare(self.encoder, x))


def passes_of(prepare) -> tuple[int, Tensor, Tensor]:
    model, images = Reader(prepare).eval(), IMAGES.flatten(1)
    latent_map = fs.LatentMap.at_layer(model, "encoder", input_shape=(36,))
    before = model.passes
    with torch.no_grad():
        found, wanted = latent_map(images), prepare(model.encoder, images)
    return model.passes - before, found, wanted


def test_a_layer_that_comes_first_runs_alone():
    passes, found, wanted = passes_of(lambda encoder, x: encoder(x))
    assert passes == 0
    assert torch.equal(found, wanted)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda encoder, x: encoder(x.clamp(0, 1)),
        lambda encoder, x: encoder(1 * x),
        lambda encoder, x: encoder(input=x),
        lambda encoder, x: encoder(x - x.mean(dim=1, keepdim=True)),
    ],
)
def test_what_comes_before_a_layer_is_never_left_out(prepare):
    passes, found, wanted = passes_of(prepare)
    assert passes == 1
    assert torch.equal(found, wanted)
