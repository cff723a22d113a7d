"""Extremes of a linear functional: closed forms on ellipsoids and spheres, a linear program in the box."""

from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import EVERYWHERE, ellipse, linear_map, normal, sphere, uniform, wavy_map
from fiberscope.geometry.ellipsoid import ellipsoid
from fiberscope.moves.extreme import extremes


def test_over_a_linear_tube_a_visible_functional_spans_the_ellipsoid():
    latent_map, matrix = linear_map(3, 8)
    images = normal(4, 8)
    tube = fs.Tube(fs.Fiber.through(latent_map, images, box=EVERYWHERE), 0.5)
    weights = normal(3, seed=1) @ matrix
    found = extremes(tube, images, weights)
    exact = ellipsoid(fs.split_tangent(matrix.expand(4, -1, -1)), 0.5).support(weights.expand(4, -1))
    middle = images @ weights
    assert torch.allclose(found.highest.value, middle + exact, rtol=3e-3)
    assert torch.allclose(found.lowest.value, middle - exact, rtol=3e-3)
    for end in found:
        assert torch.allclose(end.value, end.linear, rtol=3e-3)
        assert bool((end.residual_norm <= 0.5).all())


def test_over_a_sphere_they_are_its_poles():
    images = 2 * torch.nn.functional.normalize(normal(4, 5), dim=1)
    fiber = fs.Fiber.through(sphere(), images, box=EVERYWHERE)
    weights = normal(5, seed=1)
    found = extremes(fiber, images, weights, num_steps=200)
    assert torch.allclose(found.highest.value, (2 * weights.norm()).expand(4), rtol=1e-4)
    assert torch.allclose(found.lowest.value, (-2 * weights.norm()).expand(4), rtol=1e-4)
    assert float(found.highest.stationarity.max()) < 0.05


def test_over_an_ellipse_a_coordinate_spans_its_axis():
    images = torch.tensor([[0.6 * 3, 0.8]], dtype=torch.float64)
    fiber = fs.Fiber.through(ellipse(), images, box=EVERYWHERE)
    found = extremes(fiber, images, torch.tensor([1.0, 0.0]).double(), num_steps=200)
    assert float(found.lowest.value) == pytest.approx(-3.0, rel=1e-3)
    assert float(found.highest.value) == pytest.approx(3.0, rel=1e-3)


def test_on_a_linear_fiber_in_a_box_they_solve_the_linear_program():
    from scipy.optimize import linprog

    latent_map, matrix = linear_map(3, 20)
    images, weights = uniform(4, 20), normal(20, seed=1)
    found = extremes(fs.Fiber.through(latent_map, images), images, weights)
    for row in range(4):
        target = (matrix @ images[row]).numpy()
        least, most = (
            linprog(sign * weights.numpy(), A_eq=matrix.numpy(), b_eq=target, bounds=[(0, 1)] * 20).fun * sign
            for sign in (1, -1)
        )
        assert float(found.lowest.value[row]) == pytest.approx(least, rel=1e-3)
        assert float(found.highest.value[row]) == pytest.approx(most, rel=1e-3)
        assert float(found.highest.linear[row]) == pytest.approx(most, rel=1e-3)


def test_points_keep_fiber_and_box_and_improve_on_the_image():
    latent_map, images = wavy_map(3, 40), uniform(4, 40)
    fiber = fs.Fiber.through(latent_map, images)
    pixel = torch.zeros(40).double()
    pixel[7] = 1
    for where in (fiber, fs.Tube(fiber, 0.05)):
        found = extremes(where, images, pixel, num_steps=20)
        assert bool((found.lowest.value <= images[:, 7]).all())
        assert bool((found.highest.value >= images[:, 7]).all())
        for end in found:
            end.raise_if_failed()
            assert torch.equal(end.value, end.points[:, 7])
            assert bool((where.residual(end.points).norm(dim=1) <= end.tolerance).all())
            assert bool(((end.points >= 0) & (end.points <= 1)).all())


def test_a_wider_tube_has_wider_extremes():
    latent_map, images, weights = wavy_map(3, 40), uniform(2, 40), normal(40, seed=1)
    fiber = fs.Fiber.through(latent_map, images)
    ranges = []
    for where in (fiber, fs.Tube(fiber, 0.2), fs.Tube(fiber, 1.0)):
        found = extremes(where, images, weights, num_steps=6)
        ranges.append(found.highest.value - found.lowest.value)
    assert bool((ranges[0] < ranges[1]).all())
    assert bool((ranges[1] < ranges[2]).all())


def test_frozen_pixels_stay():
    latent_map, images = wavy_map(3, 40), uniform(4, 40)
    frozen = torch.arange(40) < 10
    found = extremes(fs.Fiber.through(latent_map, images), images, torch.ones(40).double(), frozen=frozen, num_steps=10)
    assert torch.equal(found.highest.points[:, :10], images[:, :10])


@pytest.mark.parametrize(
    "weights", [torch.ones(3).double(), torch.zeros(40).double(), torch.full((40,), torch.nan).double()]
)
def test_weights_that_weigh_nothing_are_refused(weights):
    images = uniform(2, 40)
    with pytest.raises(fs.FiberscopeError, match=r"^weights"):
        extremes(fs.Fiber.through(wavy_map(3, 40), images), images, weights)
