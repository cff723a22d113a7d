"""Following a series of fibers: latents that are dead where the way begins are reached by way of leaks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs
from fibers import EVERYWHERE, linear_map, normal
from fiberscope.models import Awake, leaky_series
from fiberscope.moves import Outcome, follow

SHAPE = (1, 12, 12)


def shy_network(seed: int = 0) -> nn.Module:
    """Six pooled latents behind a ReLU, each alive only where a patch is nearly its filter."""
    generator = torch.Generator().manual_seed(seed)
    first = nn.Conv2d(1, 6, 4).double()
    filters = torch.randn(6, 16, generator=generator, dtype=torch.float64)
    filters = filters / filters.norm(dim=1, keepdim=True)
    with torch.no_grad():
        first.weight.copy_(filters.view(6, 1, 4, 4))
        first.bias.copy_(-0.9 - filters.sum(dim=1) / 2)
    layers = [first, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers).eval().requires_grad_(False)


def pictures() -> tuple[Tensor, Tensor]:
    """Four faint images, at which all latents are dead, and four of black and white."""
    generator = torch.Generator().manual_seed(5)
    strong = torch.rand(4, *SHAPE, generator=generator, dtype=torch.float64).round()
    return 0.45 + 0.1 * torch.rand(4, *SHAPE, generator=generator, dtype=torch.float64), strong


def test_leaks_lead_to_latents_that_are_dead_at_the_start():
    network, (faint, strong) = shy_network(), pictures()
    latent_map = fs.LatentMap(network, SHAPE)
    fiber = fs.Fiber.through(latent_map, strong)
    assert not bool(latent_map(faint).any())
    alone = fs.project(fiber, faint, rtol=1e-5)
    assert alone.outcome == (Outcome.RANK_DEFICIENT,) * 4
    series = [fs.Fiber.through(fs.LatentMap(leaky, SHAPE), strong) for leaky in leaky_series(network, "1")]
    found = follow(series, faint, rtol=1e-5)[-1].raise_if_failed()
    # the network itself judges, in a fresh forward pass
    assert bool(((network(found.points) - network(strong)).norm(dim=1) <= 1e-5 * network(strong).norm(dim=1)).all())
    assert float(found.points.min()) >= 0
    assert float(found.points.max()) <= 1


def test_the_fiber_of_an_awake_network_is_that_of_the_network_and_can_be_reached():
    network, (faint, strong) = shy_network(), pictures()
    aim = strong[:1]
    awake = fs.LatentMap(Awake(network, "1", aim), SHAPE)
    assert (
        fs.project(fs.Fiber.through(fs.LatentMap(network, SHAPE), aim), faint).outcome == (Outcome.RANK_DEFICIENT,) * 4
    )
    found = fs.project(fs.Fiber.through(awake, aim), faint, rtol=1e-5).raise_if_failed()
    assert bool(((network(found.points) - network(aim)).norm(dim=1) <= 1e-5 * network(aim).norm(dim=1)).all())


def test_each_fiber_is_looked_for_from_what_was_found_on_the_one_before():
    first, matrix = linear_map(2, 6)
    second, other = linear_map(2, 6, seed=1)
    start, aim = normal(3, 6), normal(2, seed=2)
    found = follow([fs.Fiber(first, aim, EVERYWHERE), fs.Fiber(second, aim, EVERYWHERE)], start, rtol_between=1e-10)
    by_hand = start - (start @ matrix.T - aim) @ torch.linalg.pinv(matrix).T
    assert torch.allclose(found[0].points, by_hand, atol=1e-8)
    by_hand = by_hand - (by_hand @ other.T - aim) @ torch.linalg.pinv(other).T
    assert torch.allclose(found[1].points, by_hand, atol=1e-8)


def test_only_the_last_fiber_is_reached_to_the_tolerance_asked_for():
    latent_map, _ = linear_map(2, 6)
    fiber = fs.Fiber(latent_map, normal(2), EVERYWHERE)
    between, last = follow([fiber, fiber], normal(3, 6), rtol=1e-8, rtol_between=1e-2)
    assert torch.allclose(between.tolerance / fiber.target.norm(), torch.tensor(1e-2).double())
    assert torch.allclose(last.tolerance / fiber.target.norm(), torch.tensor(1e-8).double())


def test_pixels_that_are_frozen_stay_all_the_way():
    latent_map, _ = linear_map(2, 6)
    frozen, start = torch.arange(6) < 3, normal(3, 6)
    fibers = [fs.Fiber(latent_map, normal(2, seed=seed), EVERYWHERE) for seed in (3, 4)]
    found = follow(fibers, start, frozen=frozen)[-1].raise_if_failed()
    assert torch.equal(found.points[:, :3], start[:, :3])


def test_no_fiber_at_all_is_refused():
    with pytest.raises(fs.FiberscopeError, match="fibers: expected at least one"):
        follow([], normal(3, 6))
