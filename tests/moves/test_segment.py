"""Straight lines between images of a fiber: chords of a sphere, lines of a linear map."""

from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import EVERYWHERE, linear_map, normal, sphere, uniform, wavy_map
from fiberscope.moves.segment import segment


def test_a_chord_of_a_sphere_is_deepest_in_its_middle():
    first, second = (2 * torch.nn.functional.normalize(normal(6, 5, seed=seed), dim=1) for seed in (0, 1))
    found = segment(fs.Fiber(sphere(), torch.tensor([4.0]).double(), EVERYWHERE), first, second)
    assert torch.allclose(found.excursion, (first - second).square().sum(dim=1) / 4, rtol=1e-6)
    assert torch.allclose(found.place, torch.full((6,), 0.5).double(), atol=1e-3)


def test_the_fiber_of_a_linear_map_holds_all_its_segments():
    latent_map, matrix = linear_map(3, 8)
    first = normal(5, 8)
    hidden = normal(5, 8, seed=1) @ (torch.eye(8).double() - torch.linalg.pinv(matrix) @ matrix)
    found = segment(fs.Fiber.through(latent_map, first, box=EVERYWHERE), first, first + hidden)
    assert float(found.excursion.max()) < 1e-12


def test_a_peak_between_two_samples_is_found():
    # A bump of width 0.01 about t = 0.503, seen by the samples at its foot only.
    latent_map = fs.LatentMap(lambda x: 1 / (1 + ((x - 0.503) / 0.01).square()), (1,), dtype=torch.float64)
    fiber = fs.Fiber(latent_map, torch.zeros(1).double())
    zero = torch.zeros(1, 1).double()
    found = segment(fiber, zero, zero + 1)
    assert float(found.excursion) == pytest.approx(1.0, abs=1e-3)
    assert float(found.place) == pytest.approx(0.503, abs=1e-3)


def test_it_measures_from_the_target_and_between_the_images():
    latent_map, first, second = wavy_map(3, 40), uniform(4, 40), uniform(4, 40, seed=1)
    fiber = fs.Fiber.through(latent_map, first)
    found = segment(fiber, first, second, num_samples=9)
    assert float(found.residual_norm[0].max()) < 1e-12
    assert torch.allclose(found.residual_norm[-1], fiber.residual(second).norm(dim=1))
    half = fiber.residual((first + second) / 2).norm(dim=1)
    assert torch.allclose(found.residual_norm[4], half)
    assert bool((found.excursion >= found.residual_norm.amax(dim=0) - 1e-12).all())


def test_what_does_not_fit_is_refused_by_name():
    latent_map, images = wavy_map(3, 40), uniform(4, 40)
    fiber = fs.Fiber.through(latent_map, images)
    with pytest.raises(fs.FiberscopeError, match="second, num_samples"):
        segment(fiber, images, images, num_samples=1)
    with pytest.raises(fs.FiberscopeError, match="leaves the box"):
        segment(fiber, images, images + 1)
