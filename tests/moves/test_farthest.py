from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import EVERYWHERE, ellipse, linear_map, normal, sphere, uniform, wavy_map


def test_farthest_on_a_sphere_is_the_antipode():
    images = normal(6, 5)
    found = fs.farthest(fs.Fiber(sphere(), torch.tensor([4.0]).double(), EVERYWHERE), images).raise_if_failed()
    assert torch.allclose(found.distance, 2 + images.norm(dim=1), atol=1e-6)


def test_farthest_on_an_ellipse_matches_its_curve():
    images = torch.tensor([[3.0, 0.0], [-2.0, 0.4], [1.0, 5.0]], dtype=torch.float64)
    found = fs.farthest(fs.Fiber(ellipse(), torch.ones(1).double(), EVERYWHERE), images, num_steps=200)
    angle = torch.linspace(0, 2 * torch.pi, 200_001, dtype=torch.float64)
    curve = torch.stack([3 * angle.cos(), angle.sin()], dim=1)
    assert torch.allclose(found.distance, torch.cdist(images, curve).amax(dim=1), rtol=1e-3)


def test_farthest_stays_on_the_fiber_in_the_box_and_beats_the_projection_of_its_start():
    latent_map = wavy_map(3, 40)
    images = uniform(5, 40)
    fiber = fs.Fiber.through(latent_map, images)
    begun = fs.farthest(fiber, images, num_steps=0)
    found = fs.farthest(fiber, images).raise_if_failed()
    assert bool((found.distance > begun.distance).all())
    assert bool((found.residual_norm <= found.tolerance).all())
    assert bool(((found.points >= 0) & (found.points <= 1)).all())
    assert torch.allclose(found.distance, (found.points - images).norm(dim=1))


def test_distance_is_what_the_measure_sees():
    latent_map, _ = linear_map(2, 6)
    images = uniform(3, 6)
    fiber = fs.Fiber.through(latent_map, images)
    found = fs.farthest(fiber, images, measure=lambda points: points[:, :1])
    first = (found.points - images)[:, 0].abs()
    assert torch.allclose(found.distance, first)
    assert bool((first >= (fs.farthest(fiber, images).points - images)[:, 0].abs() - 1e-9).all())


def test_frozen_pixels_keep_the_value_that_they_have_in_the_start():
    latent_map = wavy_map(3, 40)
    images, frozen = uniform(3, 40), torch.arange(40) < 10
    found = fs.farthest(fs.Fiber.through(latent_map, images), images, start=images, frozen=frozen)
    assert torch.equal(found.points[:, :10], images[:, :10])


def test_a_measure_that_loses_rows_is_refused():
    latent_map, _ = linear_map(2, 6)
    images = uniform(3, 6)
    with pytest.raises(fs.FiberscopeError, match="measure: expected a row for each of 3 points"):
        fs.farthest(fs.Fiber.through(latent_map, images), images, measure=lambda points: points[:1])


def test_a_tube_reaches_farther_than_its_fiber():
    latent_map = wavy_map(3, 40)
    images = uniform(4, 40)
    fiber = fs.Fiber.through(latent_map, images)
    tube = fs.farthest(fs.Tube(fiber, radius=1.0), images)
    assert float(tube.distance.mean()) > float(fs.farthest(fiber, images).distance.mean())
    assert bool((tube.residual_norm <= 1.0).all())
