"""Moves give the same in the caller's modes of torch, and say when their gradient is a surrogate."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs

SHAPE = (1, 6, 6)
IMAGES = torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(0))
MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}
WAYS = torch.randn(2, 36, generator=torch.Generator().manual_seed(1))
MOVES = {
    "project": fs.project,
    "nearest": lambda fiber, x: fs.nearest(fiber, x, num_steps=5),
    "nearest, as a measure sees it": lambda fiber, x: fs.nearest(
        fiber, x, measure=lambda p: p.flatten(1) ** 2, num_steps=3
    ),
    "farthest": lambda fiber, x: fs.farthest(fiber, x, num_steps=5),
    "walk": lambda fiber, x: fs.walk(fiber, x, WAYS.clone(), length=0.5, num_steps=3),
    "spread": lambda fiber, x: fs.spread(fiber, torch.stack([x, x.flip(2)], dim=1), num_steps=2),
    "extremes": lambda fiber, x: fs.extremes(fiber, x, torch.ones(SHAPE), num_steps=3).lowest,
    "boundary": lambda fiber, x: fs.boundary(fs.Tube(fiber, 0.5), x, WAYS[None].clone()),
    "widths": lambda fiber, x: fs.widths(fs.Tube(fiber, 0.5), x).forward,
}


class Rounds(nn.Module):
    """Straight-through rounding."""

    def forward(self, x: Tensor) -> Tensor:
        return x + ((64 * x).round() / 64 - x).detach()


def network(*last: nn.Module) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 12), nn.Tanh(), nn.Linear(12, 3), *last).eval()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MOVES)
def test_a_move_gives_the_same_in_the_callers_mode(name, mode):
    latent_map, move = fs.LatentMap(network(), SHAPE), MOVES[name]
    starts = IMAGES[:2] if name in ("boundary", "widths") else IMAGES[2:]
    wanted = move(fs.Fiber.through(latent_map, IMAGES[:2]), starts)
    with MODES[mode]():
        found = move(fs.Fiber.through(latent_map, IMAGES[:2].clone()), starts.clone())
    assert torch.equal(found.points, wanted.points)
    assert torch.equal(found.residual_norm, wanted.residual_norm)
    assert not found.points.is_inference()


@pytest.mark.parametrize("mode", MODES)
def test_sensitivities_are_the_same_in_the_callers_mode(mode):
    latent_map = fs.LatentMap(network(), SHAPE)

    def measure(images: Tensor) -> Tensor:
        variations, labels = fs.variations.catalogue(SHAPE), torch.tensor([0, 1, 0, 1])
        yardstick = fs.variations.yardsticks(
            latent_map, images, labels, count=4, generator=torch.Generator().manual_seed(0)
        )
        return fs.variations.sensitivity(latent_map, images, variations, yardstick=yardstick).relative

    wanted = measure(IMAGES)
    with MODES[mode]():
        found = measure(IMAGES.clone())
    assert torch.equal(found.nan_to_num(), wanted.nan_to_num())


@pytest.mark.parametrize("name", MOVES)
def test_every_result_says_that_its_gradient_is_a_surrogate(name):
    for module, surrogate in ((network(Rounds()), True), (network(), False)):
        latent_map = fs.LatentMap(module, SHAPE, surrogate_gradient=surrogate)
        fiber = fs.Fiber(latent_map, latent_map(IMAGES[:2]).detach())
        assert MOVES[name](fiber, IMAGES[:2]).surrogate_gradient is surrogate
