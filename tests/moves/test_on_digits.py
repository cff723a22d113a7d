"""The claims that this project stands on, held on the shipped classifier and on networks of other kinds."""

from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fiberscope.geometry import covariance_factor, data_basis
from fiberscope.moves import walk_straight
from networks import KINDS, make, pairs

pytestmark = pytest.mark.slow

DIGITS = fs.data.mnist("test")


@pytest.fixture(scope="module")
def classifier() -> fs.LatentMap:
    return fs.LatentMap(fs.models.load("mnist-classifier").encoder, (1, 28, 28))


def relative(fiber: fs.Fiber, points: torch.Tensor) -> torch.Tensor:
    return (fiber.latent_map(points) - fiber.target).norm(dim=1) / fiber.target.norm(dim=1)


def test_256_digits_reach_the_fibers_of_digits_of_other_classes(classifier):
    sources, targets = pairs(256, seed=0)
    fiber = fs.Fiber.through(classifier, DIGITS.images[targets])
    found = fs.project(fiber, DIGITS.images[sources]).raise_if_failed()
    assert float(relative(fiber, found.points).max()) <= 1e-5
    assert float(found.points.min()) >= 0.0
    assert float(found.points.max()) <= 1.0
    assert float(found.num_jacobians.double().mean()) <= 10


def test_in_float64_they_reach_them_to_1e_10():
    classifier = fs.LatentMap(fs.models.load("mnist-classifier").double().encoder, (1, 28, 28))
    sources, targets = pairs(64, seed=0)
    fiber = fs.Fiber.through(classifier, DIGITS.images[targets].double())
    found = fs.project(fiber, DIGITS.images[sources].double()).raise_if_failed()
    assert float(relative(fiber, found.points).max()) <= 1e-10
    assert float(found.points.min()) >= 0.0
    assert float(found.points.max()) <= 1.0
    assert float(found.num_jacobians.double().mean()) <= 10


@pytest.mark.parametrize("kind", KINDS)
def test_networks_of_other_kinds_are_reached_too(kind):
    latent_map = fs.LatentMap(make(kind), (1, 28, 28))
    sources, targets = pairs(96, seed=1)
    fiber = fs.Fiber.through(latent_map, DIGITS.images[targets])
    found = fs.project(fiber, DIGITS.images[sources]).raise_if_failed()
    assert float(relative(fiber, found.points).max()) <= 1e-5


def test_walks_stay_on_the_fiber_where_the_linearisation_drifts(classifier):
    image = DIGITS.images[3:4]
    split = fs.split_tangent(fs.jacobian(classifier, image))
    directions = data_basis(split, covariance_factor(DIGITS.images.flatten(1)), count=16).directions[0]
    images = image.expand(16, -1, -1, -1)
    fiber = fs.Fiber.through(classifier, images)
    path = fs.walk(fiber, images, directions, length=5.0).raise_if_failed()
    straight = walk_straight(fiber, images, directions, length=5.0)
    for step in path.points:
        assert float(relative(fiber, step).max()) <= 1e-5
    assert float(relative(fiber, straight.points[-1]).mean()) >= 0.1


def test_the_nearest_images_are_about_half_as_far_as_the_digits_themselves(classifier):
    sources, targets = pairs(64, seed=0)
    images, others = DIGITS.images[sources], DIGITS.images[targets]
    fiber = fs.Fiber.through(classifier, others)
    found = fs.nearest(fiber, images).raise_if_failed()
    blindness = found.distance / (images - others).flatten(1).norm(dim=1)
    assert float(relative(fiber, found.points).max()) <= 1e-5
    assert float(blindness.mean()) <= 0.55
    assert bool(((found.stationarity >= 0) & (found.stationarity <= 1)).all())


def test_a_digit_alone_is_projected_as_it_is_in_a_batch(classifier):
    sources, targets = pairs(8, seed=2)
    fiber = fs.Fiber.through(classifier, DIGITS.images[targets])
    together = fs.project(fiber, DIGITS.images[sources]).points
    alone = fs.project(fs.Fiber(classifier, fiber.target[3]), DIGITS.images[sources[3:4]]).points
    assert torch.allclose(alone[0], together[3], atol=1e-3)
