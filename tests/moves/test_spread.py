from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import EVERYWHERE, linear_map, normal, sphere, uniform, wavy_map


def test_four_members_on_a_sphere_end_as_a_tetrahedron():
    fiber = fs.Fiber(sphere(3), torch.tensor([4.0]).double(), EVERYWHERE)
    found = fs.spread(fiber, normal(3, 4, 3), num_steps=200).raise_if_failed()
    between = found.distance[:, ~torch.eye(4, dtype=torch.bool)]
    assert torch.allclose(between, torch.full_like(between, (32 / 3) ** 0.5), rtol=5e-3)


def test_populations_do_not_talk_to_each_other():
    fiber = fs.Fiber(sphere(), torch.tensor([4.0]).double(), EVERYWHERE)
    together = fs.spread(fiber, normal(3, 4, 5))
    alone = fs.spread(fiber, normal(3, 4, 5)[1:2])
    assert torch.allclose(together.points[1], alone.points[0], atol=1e-9)


def test_members_are_pushed_apart_on_their_own_fibers_inside_the_box():
    latent_map = wavy_map(3, 40)
    images = uniform(4, 40)
    starts = (images[:, None] + 0.1 * normal(4, 5, 40)).clamp(0, 1)
    fiber = fs.Fiber.through(latent_map, images)
    begun, found = fs.spread(fiber, starts, num_steps=0), fs.spread(fiber, starts).raise_if_failed()
    apart = ~torch.eye(5, dtype=torch.bool)
    nearest_before, nearest_after = begun.distance[:, apart].amin(dim=1), found.distance[:, apart].amin(dim=1)
    assert bool((nearest_after > 2 * nearest_before).all())
    assert bool(((found.points >= 0) & (found.points <= 1)).all())
    residual = latent_map(found.points.flatten(0, 1)) - latent_map(images).repeat_interleave(5, dim=0)
    assert torch.allclose(residual.norm(dim=1).view(4, 5), found.residual_norm, atol=1e-12)
    assert bool((found.residual_norm <= found.tolerance).all())
    assert torch.allclose(found.distance[0], torch.cdist(found.points[0], found.points[0]), atol=1e-6)


def test_distances_are_what_the_measure_sees():
    latent_map, _ = linear_map(2, 6)
    fiber = fs.Fiber.through(latent_map, uniform(1, 6))
    found = fs.spread(fiber, uniform(1, 3, 6, seed=1), measure=lambda points: 10 * points[:, :1])
    first = 10 * found.points[0, :, 0]
    assert torch.allclose(found.distance[0], (first[:, None] - first).abs(), atol=1e-9)


def test_a_member_that_cannot_reach_the_fiber_says_so_and_leaves_the_others_alone():
    latent_map = fs.LatentMap(lambda x: x.sum(1, keepdim=True), (4,), dtype=torch.float64)
    found = fs.spread(fs.Fiber(latent_map, torch.tensor([[9.0], [2.0]]).double()), uniform(2, 3, 4))
    assert found.outcome == ((fs.Outcome.UNREACHABLE,) * 3, (fs.Outcome.CONVERGED,) * 3)
    with pytest.raises(fs.MoveFailedError, match="3 of 6 rows failed"):
        found.raise_if_failed()


def test_members_of_a_tube_keep_its_bound():
    latent_map = wavy_map(3, 40)
    tube = fs.Tube(fs.Fiber.through(latent_map, uniform(2, 40)), radius=0.2)
    found = fs.spread(tube, uniform(2, 3, 40, seed=1)).raise_if_failed()
    assert bool((found.residual_norm <= 0.2).all())


@pytest.mark.parametrize("starts", [uniform(2, 1, 40), uniform(2, 40)])
def test_a_population_of_one_is_refused(starts: torch.Tensor):
    fiber = fs.Fiber.through(wavy_map(3, 40), uniform(2, 40))
    with pytest.raises(fs.FiberscopeError, match="starts: expected at least two members a row"):
        fs.spread(fiber, starts)


def test_twins_are_refused_because_nothing_drives_them_apart():
    fiber = fs.Fiber.through(wavy_map(3, 40), uniform(2, 40))
    with pytest.raises(fs.FiberscopeError, match="two members of row 0 are the same"):
        fs.spread(fiber, uniform(2, 1, 40).expand(2, 3, 40))
