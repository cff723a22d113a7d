"""The caller's inference mode, no_grad and autocast change no answer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs
from fiberscope.problem.modes import undisturbed

IMAGES = torch.rand(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))
MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.GELU(), nn.Flatten(), nn.Linear(64, 5)).eval()


@pytest.mark.parametrize("mode", MODES)
def test_latents_and_jacobians_are_the_same_in_the_callers_mode(mode):
    latent_map = fs.LatentMap(network(), (1, 6, 6))
    latents, jacobian = latent_map(IMAGES), fs.jacobian(latent_map, IMAGES)
    module = network()
    with MODES[mode]():
        inside = fs.LatentMap(module, (1, 6, 6))
        assert torch.equal(inside(IMAGES), latents)
        assert torch.equal(fs.jacobian(inside, IMAGES.clone()), jacobian)
        assert torch.equal(fs.Fiber.through(inside, IMAGES.clone()).target, latents)


@pytest.mark.parametrize("mode", MODES)
def test_a_layer_behind_others_is_cut_in_the_callers_mode(mode):
    wanted = fs.LatentMap.at_layer(network(), "3", input_shape=(1, 6, 6))(IMAGES)
    module = network()
    with MODES[mode]():
        assert torch.equal(fs.LatentMap.at_layer(module, "3", input_shape=(1, 6, 6))(IMAGES.clone()), wanted)


def test_a_network_that_was_built_in_inference_mode_is_refused_by_that_name():
    with torch.inference_mode():
        module = network()
        with pytest.raises(fs.ModelError, match=r"0.weight was made in inference mode.*outside torch.inference_mode"):
            fs.LatentMap(module, (1, 6, 6))


def test_a_network_never_runs_inside_inference_mode():
    seen = []

    class Watching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append((torch.is_inference_mode_enabled(), x.is_inference(), torch.is_autocast_enabled("cpu")))
            return x.flatten(1).square()

    with torch.inference_mode(), torch.autocast("cpu"):
        images = IMAGES.clone()
        fs.jacobian(fs.LatentMap(Watching(), (1, 6, 6)), images)
        fs.LatentMap(Watching(), (1, 6, 6))(images)
    assert len(seen) > 5
    assert set(seen) == {(False, False, False)}


def test_what_is_found_in_inference_mode_can_be_differentiated_afterwards():
    latent_map = fs.LatentMap(network(), (1, 6, 6))
    with torch.inference_mode():
        fiber = fs.Fiber.through(latent_map, IMAGES.clone())
    assert not fiber.target.is_inference()
    (fiber.target * torch.ones_like(fiber.target, requires_grad=True)).sum().backward()


def test_gradients_stay_off_where_the_caller_switched_them_off():
    latent_map = fs.LatentMap(network(), (1, 6, 6))
    with torch.inference_mode():
        assert not latent_map(IMAGES).requires_grad
    assert latent_map(IMAGES.clone().requires_grad_()).requires_grad


def test_autocast_inside_the_network_is_refused_by_its_name():
    class Cast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network()

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.network(x).float()

    with pytest.raises(fs.ModelError, match=r"computes in bfloat16 inside.*Switch off autocast"):
        fs.LatentMap(Cast().eval(), (1, 6, 6))


def test_functions_that_are_undisturbed_take_tensors_of_inference_mode():
    @undisturbed
    def slope(x: Tensor, *, factor: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = x.requires_grad_()
            return torch.autograd.grad((factor * leaf).sum(), leaf)[0]

    with torch.inference_mode():
        x, factor = torch.ones(3), torch.full((3,), 2.0)
    assert torch.equal(slope(x, factor=factor), torch.full((3,), 2.0))
