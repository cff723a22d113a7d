"""A ray in a box: found by the distance gone, whatever faces it meets."""

from __future__ import annotations

import torch

from fibers import normal, uniform
from fiberscope.geometry.box_ray import box_ray


def make(batch: int = 5, n: int = 12):
    rows = uniform(batch, n)
    rows[0, :4] = torch.tensor([0.0, 0.0, 1.0, 1.0])  # on faces of the box
    return rows, normal(batch, n, seed=1), torch.zeros_like(rows), torch.ones_like(rows)


def test_points_lie_on_the_clipped_ray_at_the_distance_asked_for():
    rows, directions, lower, upper = make()
    ray = box_ray(rows, directions, lower, upper)
    distance = torch.linspace(0, 0.999, 40, dtype=torch.float64) * ray.reach[:, None]
    points = ray.at(distance)
    assert torch.allclose((points - rows[:, None]).norm(dim=2), distance, atol=1e-12)
    for row in range(5):
        times = torch.logspace(-4, 4, 40_000, dtype=torch.float64)[:, None]
        path = (rows[row] + times * torch.nn.functional.normalize(directions[row], dim=0)).clamp(0, 1)
        assert float(torch.cdist(points[row], path).amin(dim=1).max()) < 1e-3


def test_a_ray_ends_in_the_corner_that_its_direction_points_to():
    rows, directions, lower, upper = make()
    ray = box_ray(rows, directions, lower, upper)
    corner = (directions > 0).double()
    assert torch.allclose(ray.reach, (corner - rows).norm(dim=1))
    assert torch.allclose(ray.at(ray.reach[:, None] * 2)[:, 0], corner)


def test_coordinates_without_direction_stay():
    rows, directions, lower, upper = make()
    directions[:, ::2] = 0
    ray = box_ray(rows, directions, lower, upper)
    points = ray.at(torch.tensor([[0.1, 1.0, 50.0]]).double().expand(5, 3))
    assert torch.equal(points[:, :, ::2], rows[:, None, ::2].expand(-1, 3, -1))
    assert bool(points.isfinite().all())


def test_without_bounds_it_is_straight_for_ever():
    rows, directions, _, _ = make()
    open_side = torch.full_like(rows, torch.inf)
    ray = box_ray(rows, directions, -open_side, open_side)
    unit = torch.nn.functional.normalize(directions, dim=1)
    assert bool(ray.reach.isinf().all())
    assert torch.allclose(ray.at(torch.full((5, 1), 1e3).double())[:, 0], rows + 1e3 * unit)


def test_in_a_corner_there_is_nowhere_to_go():
    rows = torch.zeros(1, 3, dtype=torch.float64)
    ray = box_ray(rows, -torch.ones_like(rows), rows, rows + 1)
    assert ray.reach.tolist() == [0.0]
    assert torch.equal(ray.at(torch.tensor([[0.0, 2.0]]).double())[0], torch.zeros(2, 3).double())


def test_single_precision_keeps_box_and_distance():
    rows, directions, lower, upper = (part.float() for part in make(4, 784))
    ray = box_ray(rows, directions, lower, upper)
    distance = torch.linspace(0.001, 0.99, 30) * ray.reach[:, None]
    points = ray.at(distance)
    assert bool(((points >= 0) & (points <= 1)).all())
    assert torch.allclose((points - rows[:, None]).norm(dim=2), distance, rtol=1e-3)
