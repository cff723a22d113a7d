from __future__ import annotations

from inspect import unwrap

import pytest
import torch

import fiberscope as fs
from fibers import EVERYWHERE, linear_map, normal, sphere, uniform, wavy_map
from fiberscope.variations import Variation, catalogue, choose, free_part, give_way

DIRECTION = normal(12, seed=3)
ALONG = Variation("along", "", -2.0, 3.0, lambda x, a: x + a[:, None] * DIRECTION)


def test_on_a_linear_map_the_seen_part_of_the_step_is_what_gives_way():
    latent_map, matrix = linear_map(3, 12)
    images = uniform(4, 12)
    found = free_part(fs.Fiber.through(latent_map, images, box=EVERYWHERE), images, ALONG, 1.5).raise_if_failed()
    seen = torch.linalg.pinv(matrix) @ (matrix @ DIRECTION)
    assert torch.allclose(found.varied, images + 1.5 * DIRECTION)
    assert torch.allclose(found.points, images + 1.5 * (DIRECTION - seen), atol=1e-7)
    assert torch.allclose(found.gave_way, 1.5 * seen.norm(), atol=1e-7)
    assert torch.allclose(found.relative, seen.norm() / DIRECTION.norm(), atol=1e-7)


def test_on_a_sphere_growth_is_not_free_and_turning_is():
    images = torch.tensor([[1.0, 2.0, 0.0, 0.0, 2.0]]).double()
    fiber = fs.Fiber.through(sphere(), images, box=EVERYWHERE)
    grow = Variation("grow", "%", -50.0, 50.0, lambda x, a: x * (1 + a[:, None] / 100))
    mixed = torch.eye(5).double()
    mixed[:2, :2] = torch.tensor([[0.6, -0.8], [0.8, 0.6]]).double()
    turn = Variation("turn", "", 0.0, 1.0, lambda x, a: torch.where(a[:, None] > 0, x @ mixed.T, x))
    assert float(free_part(fiber, images, grow, 20.0).relative) == pytest.approx(1, abs=1e-6)
    assert float(free_part(fiber, images, turn, 1.0).relative) == pytest.approx(0, abs=1e-6)


def test_what_is_found_has_the_latent_of_the_image_keeps_the_box_and_is_no_farther_than_the_image():
    latent_map, images = wavy_map(3, 40), uniform(5, 40)
    fiber = fs.Fiber.through(latent_map, images)
    for variation in catalogue((40,)):
        found = free_part(fiber, images, variation, variation.high).raise_if_failed()
        assert bool((fiber.residual(found.points).norm(dim=1) <= found.tolerance).all())
        assert 0 <= float(found.points.min()) <= float(found.points.max()) <= 1
        assert bool((found.relative <= 1 + 1e-9).all())
        assert torch.allclose(found.gave_way, (found.points - found.varied).norm(dim=1))
        assert torch.allclose(found.relative, found.gave_way / (found.varied - images).norm(dim=1))


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_a_start_that_leads_nowhere_or_far_away_is_made_good_by_the_image_itself(slope):
    # An island around the image in a plane: flat, so that the varied image sees no way back; or sloping, so that its
    # way leads down the plane to the same latent, 2 away.
    def model(x):
        return slope * x[:, :1] + 3 * torch.relu(1 - 20 * x.norm(dim=1, keepdim=True))

    latent_map = fs.LatentMap(model, (6,), dtype=torch.float64)
    images = torch.full((2, 6), 0.005).double()
    away = Variation("away", "", -3.0, 3.0, lambda x, a: x + a[:, None] * torch.eye(6).double()[0])
    found = free_part(fs.Fiber.through(latent_map, images, box=fs.Box(-9.0, 9.0)), images, away, -0.3)
    assert found.outcome == (fs.Outcome.CONVERGED, fs.Outcome.CONVERGED)
    assert bool((found.relative <= 1).all())
    assert torch.allclose(latent_map(found.points), latent_map(images), atol=1e-8)
    assert bool((found.residual_norm <= found.tolerance).all())


def test_a_variation_that_changes_nothing_is_marked():
    latent_map, images = linear_map(3, 12)[0], uniform(2, 12)
    images[1] = 1.0
    (brighter,) = choose(catalogue((12,)), ["brightness"])
    found = free_part(fs.Fiber.through(latent_map, images), images, brighter, 10.0)
    assert found.relative.isnan().tolist() == [False, True]
    assert float(found.gave_way[1]) == 0


def test_amount_zero_is_refused():
    latent_map, images = linear_map(3, 12)[0], uniform(2, 12)
    with pytest.raises(fs.FiberscopeError, match=r"^amount"):
        free_part(fs.Fiber.through(latent_map, images), images, ALONG, 0.0)


def test_rows_that_give_way_together_do_so_as_each_does_alone():
    latent_map, images = wavy_map(3, 40), uniform(2, 40)
    fiber = fs.Fiber.through(latent_map, images)
    some = [(variation, variation.high / 2) for variation in catalogue((40,))]
    alone = [free_part(fiber, images, variation, amount) for variation, amount in some]
    both = torch.cat([images] * len(some))
    found = give_way(fs.Fiber.through(latent_map, both), both, torch.cat([each.varied for each in alone]))
    assert torch.allclose(found.relative, torch.cat([each.relative for each in alone]), atol=1e-6)
    assert torch.allclose(found.points, torch.cat([each.points for each in alone]), atol=1e-6)


def test_there_is_a_varied_image_for_each():
    latent_map, images = linear_map(3, 12)[0], uniform(2, 12)
    with pytest.raises(fs.FiberscopeError, match=r"^varied: 1 images for 2"):
        unwrap(give_way)(fs.Fiber.through(latent_map, images), images, images[:1])


def test_a_turn_of_a_grey_image_changes_nothing_however_it_rounds():
    latent_map = fs.LatentMap(lambda x: x.flatten(1)[:, :3], (1, 28, 28), dtype=torch.float32)
    images = torch.full((1, 1, 28, 28), 0.3)
    (turn,) = choose(catalogue((1, 28, 28)), ["rotation"])
    assert bool(free_part(fs.Fiber.through(latent_map, images), images, turn, 20.0).relative.isnan())
