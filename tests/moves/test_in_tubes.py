"""Every move takes a tube where it takes a fiber, and no point it returns lies outside."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

import fiberscope as fs
from fibers import EVERYWHERE, linear_map, normal, sphere, uniform, wavy_map
from fiberscope.geometry.box_step import box_step

BELOW = 2e-3  # how far inside its surface, as a share of the radius, a point on the surface of a tube may be


def test_projection_on_a_tube_around_a_linear_fiber_stops_at_its_surface():
    latent_map, matrix = linear_map(1, 8)
    images = 5 * normal(6, 8)
    tube = fs.Tube(fs.Fiber(latent_map, normal(1, seed=1), EVERYWHERE), radius=0.25)
    found = fs.project(tube, images).raise_if_failed()
    off = images @ matrix.T - tube.target
    exact = images - (off.abs() - 0.25).clamp_min(0) * off.sign() @ torch.linalg.pinv(matrix).T
    assert torch.allclose(found.points, exact, atol=BELOW)
    assert bool((found.residual_norm <= 0.25).all())
    assert found.tolerance.tolist() == [0.25] * 6


def test_an_image_inside_the_tube_stays_as_it_is():
    latent_map = wavy_map(3, 40)
    images = uniform(4, 40)
    tube = fs.Tube(fs.Fiber.through(latent_map, images), radius=1e-3)
    for found in (fs.project(tube, images), fs.nearest(tube, images)):
        assert torch.equal(found.points, images)


def test_nearest_in_a_tube_around_a_sphere_is_radial():
    images = normal(7, 5)
    tube = fs.Tube(fs.Fiber(sphere(), torch.tensor([4.0]).double(), EVERYWHERE), radius=1.0)
    found = fs.nearest(tube, images, num_steps=100)
    size = images.norm(dim=1)
    exact = (3**0.5 - size).clamp_min(0) + (size - 5**0.5).clamp_min(0)  # the shell 3 <= |x|² <= 5
    assert torch.allclose(found.distance, exact, atol=BELOW)
    assert bool((found.residual_norm <= 1.0).all())


def test_nearest_in_a_tube_of_several_latents_in_a_box_matches_a_slow_solver():
    latent_map, matrix = linear_map(3, 20)
    images, radius = uniform(4, 20).round(), 0.7
    tube = fs.Tube(fs.Fiber.through(latent_map, uniform(4, 20, seed=1)), radius)
    found = fs.nearest(tube, images, num_steps=200, gtol=1e-6).raise_if_failed()
    # Penalised gradient descent in the box: slow, simple and sure.
    point = images.clone()
    for _ in range(40_000):
        residual = point @ matrix.T - tube.target
        norm = residual.norm(dim=1, keepdim=True)
        outside = residual * (1 - radius / norm).clamp_min(0)
        point = (point - 2e-4 * ((point - images) + 100 * outside @ matrix)).clamp(0, 1)
    assert torch.allclose(found.distance, (point - images).norm(dim=1), rtol=1e-2)
    assert bool((found.stationarity < 0.05).all())


def test_a_wider_tube_brings_images_nearer_down_to_no_way_at_all():
    latent_map = wavy_map(3, 40)
    images, fiber = uniform(5, 40).round(), fs.Fiber.through(latent_map, uniform(5, 40, seed=1))
    apart = fiber.residual(images).norm(dim=1)
    distances = [fs.nearest(fiber, images).distance]
    distances += [fs.nearest(fs.Tube(fiber, share * apart), images).distance for share in (0.25, 0.5, 0.75, 1.01)]
    for wide, wider in pairwise(distances):
        assert bool((wider < wide).all())
    assert distances[-1].tolist() == [0.0] * 5


def test_a_walk_in_a_tube_goes_straight_until_the_surface():
    latent_map, matrix = linear_map(2, 8)
    images, direction = normal(1, 8), matrix[:1].clone()  # a direction that the network sees
    tube = fs.Tube(fs.Fiber.through(latent_map, images, box=EVERYWHERE), radius=1.0)
    speed = float((matrix @ direction[0] / direction.norm()).norm())
    inside = fs.walk(tube, images, direction, length=0.9 / speed, num_steps=4)
    straight = images + direction / direction.norm() * 0.9 / speed
    assert torch.allclose(inside.points[-1], straight, atol=1e-9)
    beyond = fs.walk(tube, images, direction, length=3 / speed, num_steps=12)
    assert bool((beyond.residual_norm <= 1.0).all())
    assert float(beyond.residual_norm[-1, 0]) > 1 - BELOW


@pytest.mark.parametrize("radius", [1e-4, 1e-2, 0.3])
def test_walks_in_a_tube_keep_bound_box_and_length(radius: float):
    latent_map = wavy_map(3, 40)
    images, headings = uniform(6, 40), normal(6, 40, seed=2)
    path = fs.walk(fs.Tube(fs.Fiber.through(latent_map, images), radius), images, headings, length=1.0, num_steps=8)
    good = [outcome is fs.Outcome.CONVERGED for outcome in path.outcome]
    assert sum(good) >= 5
    assert bool((path.residual_norm <= radius).all())
    assert bool(((path.points >= 0) & (path.points <= 1)).all())
    assert torch.allclose(path.arc_length[-1, good], torch.ones(sum(good), dtype=torch.float64), rtol=0.1)


def test_a_thin_tube_is_walked_as_its_fiber():
    latent_map = wavy_map(3, 40)
    images, headings = uniform(4, 40) / 2 + 0.25, normal(4, 40, seed=2)
    fiber = fs.Fiber.through(latent_map, images)
    thin = fs.walk(fs.Tube(fiber, 1e-6), images, headings, length=0.5, num_steps=20)
    exact = fs.walk(fiber, images, headings, length=0.5, num_steps=20)
    assert torch.allclose(thin.points, exact.points, atol=0.02)


def test_a_step_into_a_ball_is_the_least_that_enters_it():
    jacobian, wanted = normal(5, 3, 12), normal(5, 3, seed=1)
    lower, upper, wish = -uniform(5, 12), uniform(5, 12, seed=1), normal(5, 12, seed=2)
    radius = uniform(5, seed=4) / 2
    found = box_step(jacobian, wanted, lower, upper, wish=wish, radius=radius)
    assert bool((found.shortfall.norm(dim=1) <= radius * (1 + 1e-6)).all())
    best = (found.step - wish).norm(dim=1)
    for seed in range(50):  # no feasible step on the way to another feasible one is nearer to the wish
        aim = wanted + radius[:, None] * torch.nn.functional.normalize(normal(5, 3, seed=seed), dim=1)
        other = box_step(jacobian, aim, lower, upper, wish=wish)
        reached = (jacobian @ other.step[:, :, None])[:, :, 0] - wanted
        feasible = reached.norm(dim=1) <= radius * (1 + 1e-9)
        assert bool((((other.step - wish).norm(dim=1) >= best - 1e-9) | ~feasible).all())


def test_rows_with_a_ball_that_holds_the_wish_get_it():
    jacobian, wish = normal(3, 2, 6), 0.1 * normal(3, 6)
    unbounded: Tensor = torch.full((3, 6), torch.inf, dtype=torch.float64)
    change = (jacobian @ wish[:, :, None])[:, :, 0]
    found = box_step(jacobian, change + 0.1, -unbounded, unbounded, wish=wish, radius=torch.full((3,), 0.2).double())
    assert torch.allclose(found.step, wish, atol=1e-12)
