from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fiberscope as fs
from fibers import EVERYWHERE, TORUS_RADII, normal, sphere, torus, uniform, wavy_map
from fiberscope.moves import walk_straight


def test_a_walk_on_a_sphere_follows_a_great_circle():
    start = torch.tensor([[2.0, 0.0, 0.0]], dtype=torch.float64)
    along = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)
    fiber = fs.Fiber.through(sphere(3), start, box=EVERYWHERE)
    path = fs.walk(fiber, start, along, length=math.pi, num_steps=64).raise_if_failed()
    assert float(path.points[:, :, 2].abs().max()) < 1e-9
    assert torch.allclose(path.points.norm(dim=2), torch.full((65, 1), 2.0).double(), atol=1e-9)
    angle = torch.atan2(path.points[:, 0, 1], path.points[:, 0, 0])
    assert float((angle[-1] - math.pi / 2).abs()) < 0.01  # half of pi on a circle of radius 2


def test_a_walk_along_a_torus_tube_comes_back_to_its_start():
    large, small = TORUS_RADII
    start = torch.tensor([[large + small, 0.0, 0.0]], dtype=torch.float64)
    up = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    fiber = fs.Fiber.through(torus(), start, box=EVERYWHERE)
    path = fs.walk(fiber, start, up, length=2 * math.pi * small, num_steps=100).raise_if_failed()
    assert float((path.points[-1] - start).norm()) < 0.02
    assert float((path.points[50] - start).norm()) > 1.9 * small


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_point_of_a_walk_is_on_the_fiber_and_in_the_box(seed: int):
    latent_map = wavy_map(3, 30, seed=seed)
    images = uniform(2, 30, seed=seed)
    fiber = fs.Fiber.through(latent_map, images)
    path = fs.walk(fiber, images, normal(2, 30, seed=seed), length=1.5, num_steps=6)
    assert bool((path.residual_norm <= 1e-10 * fiber.target.norm(dim=1)).all())
    assert bool(((path.points >= 0) & (path.points <= 1)).all())
    assert bool((path.arc_length.diff(dim=0) >= 0).all())


def test_the_straight_line_drifts_where_the_walk_does_not():
    latent_map = wavy_map(3, 30)
    images, along = uniform(4, 30), normal(4, 30, seed=5)
    fiber = fs.Fiber.through(latent_map, images)
    size = fiber.target.norm(dim=1)
    straight = walk_straight(fiber, images, along, length=2.0, num_steps=8)
    corrected = fs.walk(fiber, images, along, length=2.0, num_steps=8).raise_if_failed()
    assert float((straight.residual_norm[-1] / size).min()) > 1e-2
    assert float((corrected.residual_norm / size).max()) <= 1e-10
    assert float(straight.residual_norm[0].max()) == 0.0


def test_a_walk_goes_the_length_it_was_given():
    latent_map = wavy_map(3, 60)
    images = 0.4 + 0.2 * uniform(3, 60)
    path = fs.walk(fs.Fiber.through(latent_map, images), images, normal(3, 60), length=1.0).raise_if_failed()
    assert torch.allclose(path.arc_length[-1], torch.ones(3).double(), atol=0.02)
    assert torch.allclose(path.arc_length[10], torch.full((3,), 0.5).double(), atol=0.02)


def test_a_walk_into_a_corner_of_the_box_ends_there_with_its_reason():
    latent_map = fs.LatentMap(lambda x: x[:, :1], (3,), dtype=torch.float64)
    images = torch.full((1, 3), 0.5, dtype=torch.float64)
    outward = torch.tensor([[0.0, 1.0, 1.0]], dtype=torch.float64)
    path = fs.walk(fs.Fiber.through(latent_map, images), images, outward, length=5.0, num_steps=10)
    assert path.outcome == (fs.Outcome.BOX_CORNER,)
    assert torch.allclose(path.points[-1], torch.tensor([[0.5, 1.0, 1.0]], dtype=torch.float64))
    assert float(path.arc_length[-1]) == pytest.approx(0.5 * 2**0.5, abs=1e-6)


def test_a_walk_that_ends_early_holds_up_no_other():
    latent_map = fs.LatentMap(lambda x: x[:, :1], (3,), dtype=torch.float64)
    images = torch.tensor([[0.5, 1.0, 1.0], [0.5, 0.0, 0.0]], dtype=torch.float64)
    along = torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]], dtype=torch.float64)
    path = fs.walk(fs.Fiber.through(latent_map, images), images, along, length=1.0, num_steps=4)
    assert path.outcome == (fs.Outcome.BOX_CORNER, fs.Outcome.CONVERGED)
    assert float(path.arc_length[-1, 1]) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_direction_that_the_network_sees_wholly_leads_nowhere(dtype):
    matrix = normal(3, 20).to(dtype)
    latent_map = fs.LatentMap(lambda x: x @ matrix.T, (20,), dtype=dtype)
    images = (0.25 + 0.5 * uniform(4, 20)).to(dtype)
    fiber = fs.Fiber.through(latent_map, images)
    path = fs.walk(fiber, images, matrix[:1].expand(4, 20), length=0.3, num_steps=4)
    assert path.outcome == (fs.Outcome.VISIBLE,) * 4
    assert float(path.arc_length.max()) == 0.0
    straight = walk_straight(fiber, images, matrix[:1].expand(4, 20), length=0.3, num_steps=4)
    assert float(straight.arc_length.max()) == 0.0


def test_no_images_make_no_walks():
    path = fs.walk(fs.Fiber.through(sphere(), uniform(0, 5)), uniform(0, 5), uniform(0, 5))
    assert path.points.shape == (21, 0, 5)


def test_an_image_off_the_fiber_is_projected_first():
    latent_map = wavy_map(2, 20)
    fiber = fs.Fiber.through(latent_map, uniform(1, 20, seed=4))
    path = fs.walk(fiber, uniform(1, 20), normal(1, 20), length=0.5, num_steps=3)
    assert bool((path.residual_norm <= 1e-10 * fiber.target.norm()).all())


@pytest.mark.parametrize(
    ("directions", "length", "message"),
    [
        (torch.zeros(2, 5).double(), 1.0, "directions: zero or not finite in rows"),
        (torch.ones(3, 5).double(), 1.0, "directions: expected one a row"),
        (torch.ones(2, 5).double(), -1.0, "length, num_steps: expected a positive length"),
    ],
)
def test_a_plan_that_leads_nowhere_is_refused(directions, length, message):
    images = uniform(2, 5)
    with pytest.raises(fs.FiberscopeError, match=message):
        fs.walk(fs.Fiber.through(sphere(), images), images, directions, length=length)
