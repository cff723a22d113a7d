from __future__ import annotations

import torch

import fiberscope as fs
from fibers import EVERYWHERE, TORUS_RADII, ellipse, linear_map, normal, sphere, torus, uniform, wavy_map


def test_nearest_on_a_linear_fiber_is_the_orthogonal_projection():
    latent_map, matrix = linear_map(3, 8)
    images, target = normal(6, 8), normal(3, seed=1)
    found = fs.nearest(fs.Fiber(latent_map, target, EVERYWHERE), images).raise_if_failed()
    exact = images - (images @ matrix.T - target) @ torch.linalg.pinv(matrix).T
    assert torch.allclose(found.points, exact, atol=1e-8)
    assert float(found.stationarity.max()) < 1e-6


def test_nearest_on_a_sphere_is_radial():
    images = normal(7, 5)
    found = fs.nearest(fs.Fiber(sphere(), torch.tensor([4.0]).double(), EVERYWHERE), images)
    assert torch.allclose(found.distance, (images.norm(dim=1) - 2).abs(), atol=1e-6)


def test_nearest_on_an_ellipse_is_the_foot_of_a_normal():
    images = torch.tensor([[4.0, 3.0], [0.5, 2.5], [-5.0, 0.3]], dtype=torch.float64)
    found = fs.nearest(fs.Fiber(ellipse(), torch.ones(1).double(), EVERYWHERE), images, num_steps=200, gtol=1e-9)
    angle = torch.linspace(0, 2 * torch.pi, 200_001, dtype=torch.float64)
    curve = torch.stack([3 * angle.cos(), angle.sin()], dim=1)
    exact = torch.cdist(images, curve).amin(dim=1)
    assert torch.allclose(found.distance, exact, atol=1e-6)


def test_nearest_on_a_torus_matches_its_formula():
    large, small = TORUS_RADII
    images = normal(8, 3, seed=3)
    found = fs.nearest(fs.Fiber(torus(), torch.tensor([small**2]).double(), EVERYWHERE), images, num_steps=200)
    exact = (((images[:, :2].norm(dim=1) - large) ** 2 + images[:, 2] ** 2).sqrt() - small).abs()
    assert torch.allclose(found.distance, exact, atol=1e-5)


def test_nearest_in_a_box_with_active_faces_matches_a_slow_solver():
    latent_map, matrix = linear_map(2, 20)
    images = uniform(3, 20).round()
    fiber = fs.Fiber.through(latent_map, uniform(3, 20, seed=1))
    found = fs.nearest(fiber, images, num_steps=100, gtol=1e-8)
    # Dykstra's alternating projections: slow, simple and sure.
    point, first, second = images.clone(), torch.zeros_like(images), torch.zeros_like(images)
    inverse = torch.linalg.pinv(matrix).T
    for _ in range(5000):
        onto = point + first
        flat = onto - (onto @ matrix.T - fiber.target) @ inverse
        first, onto = onto - flat, flat + second
        point = onto.clamp(0, 1)
        second = onto - point
    assert torch.allclose(found.distance, (point - images).norm(dim=1), atol=1e-6)


def test_descent_only_ever_brings_the_result_nearer():
    latent_map = wavy_map(3, 40)
    images, fiber = uniform(5, 40).round(), fs.Fiber.through(latent_map, uniform(5, 40, seed=1))
    projected = fs.project(fiber, images)
    found = fs.nearest(fiber, images).raise_if_failed()
    assert bool((found.distance <= (projected.points - images).norm(dim=1) + 1e-9).all())
    assert bool((found.stationarity < 0.05).all())


def test_stationarity_is_that_of_the_point_returned():
    latent_map = wavy_map(3, 40)
    images, fiber = uniform(5, 40).round(), fs.Fiber.through(latent_map, uniform(5, 40, seed=1))
    found = fs.nearest(fiber, images, num_steps=2)
    way, zero = images - found.points, torch.zeros_like(images)
    left = fs.geometry.project_cone(fs.jacobian(latent_map, found.points), way, found.points, zero, zero + 1)
    assert torch.allclose(found.stationarity, left.norm(dim=1) / way.norm(dim=1), atol=1e-9)


def test_an_image_already_on_the_fiber_is_its_own_nearest():
    latent_map = wavy_map(3, 40)
    images = uniform(2, 40)
    found = fs.nearest(fs.Fiber.through(latent_map, images), images)
    assert torch.equal(found.points, images)
    assert found.stationarity.tolist() == [0.0, 0.0]


def test_another_start_is_taken():
    images = torch.tensor([[0.0, 0.5]], dtype=torch.float64)  # inside the ellipse, two feet of normals nearby
    fiber = fs.Fiber(ellipse(), torch.ones(1).double(), EVERYWHERE)
    below = fs.nearest(fiber, images, start=torch.tensor([[0.1, -1.0]], dtype=torch.float64), num_steps=0)
    assert float(below.points[0, 1]) < 0


def test_a_row_that_cannot_reach_its_fiber_says_so():
    latent_map = fs.LatentMap(lambda x: x.sum(1, keepdim=True), (4,), dtype=torch.float64)
    found = fs.nearest(fs.Fiber(latent_map, torch.tensor([[9.0], [2.0]]).double()), uniform(2, 4))
    assert found.outcome == (fs.Outcome.UNREACHABLE, fs.Outcome.CONVERGED)


def test_nearest_in_a_measure_is_the_weighted_projection():
    latent_map, matrix = linear_map(3, 8)
    images, target = normal(6, 8), normal(3, seed=1)
    weights = torch.linspace(1, 3, 8).double()
    fiber = fs.Fiber(latent_map, target, EVERYWHERE)
    found = fs.nearest(fiber, images, measure=lambda points: weights * points, num_steps=300, gtol=1e-7)
    # Columns of the matrix over the squared weights: the same projection in coordinates where the measure is Euclidean.
    scaled = matrix / weights
    exact = images - (images @ matrix.T - target) @ torch.linalg.pinv(scaled).T / weights
    assert torch.allclose(found.distance, (weights * (exact - images)).norm(dim=1), rtol=1e-4)
    assert torch.allclose(found.points, exact, atol=1e-2)


def test_a_measure_that_sees_the_points_as_they_are_changes_nothing():
    latent_map, images = wavy_map(3, 12), uniform(4, 12)
    fiber = fs.Fiber.through(latent_map, uniform(4, 12, seed=1))
    plain, measured = fs.nearest(fiber, images), fs.nearest(fiber, images, measure=lambda points: points)
    assert torch.allclose(measured.points, plain.points, atol=1e-4)
    assert torch.allclose(measured.slope, plain.slope, atol=1e-3)
