"""Populations of one latent, with a generator and without."""

from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fiberscope.analysis.populations import coordinates, free_population, natural_population
from fiberscope.models import Classifier, Generator, load
from fiberscope.problem import ModelError


@pytest.fixture(scope="module")
def latent_map() -> fs.LatentMap:
    return fs.LatentMap.at_layer(load("mnist-classifier", Classifier), "encoder", input_shape=(1, 28, 28))


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load("mnist-generator", Generator)


@pytest.fixture(scope="module")
def targets() -> torch.Tensor:
    return fs.data.mnist("test").images[:2]


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_digits_of_a_row_share_its_latent_and_differ(latent_map, generator, targets):
    found = natural_population(generator, latent_map, targets, members=3, random=seeded(), num_steps=12)
    latents, aims = latent_map(found.images.flatten(0, 1)), latent_map(targets).repeat_interleave(3, dim=0)
    residual = (latents - aims).norm(dim=1) / aims.norm(dim=1)
    assert float(residual.max()) <= 1e-5
    assert torch.allclose(residual.view(2, 3), found.residual, atol=2e-6)
    assert float(found.nearest.min()) > 5  # half of what separates two digits of different classes
    assert torch.allclose(found.distance[0], torch.cdist(*[found.images[0].flatten(1)] * 2), atol=1e-3)


def test_a_row_without_a_prior_is_on_the_fiber_too_and_in_the_box(latent_map, targets):
    found = free_population(latent_map, targets, members=3, random=seeded(), num_steps=5)
    assert float(found.residual.max()) <= 1e-5
    assert float(found.images.min()) >= 0
    assert float(found.images.max()) <= 1


def test_the_same_seed_makes_the_same_digits(latent_map, generator, targets):
    one, other = (
        natural_population(generator, latent_map, targets[:1], members=2, random=seeded(), num_steps=3) for _ in "ab"
    )
    assert torch.equal(one.images, other.images)


def test_coordinates_stay_inside_the_prior(latent_map, generator):
    there = coordinates(generator, latent_map, mass=0.5)
    far = 100 * torch.randn(8, generator.latent_size, generator=seeded())
    assert float(there.ball(far).norm(dim=1).max()) <= there.ball.radius * (1 + 1e-6)
    assert torch.equal(there.latent_map(far), latent_map(there.decode(far)))


def test_one_member_is_no_population(latent_map, generator, targets):
    with pytest.raises(fs.FiberscopeError, match="members: expected at least two"):
        natural_population(generator, latent_map, targets, members=1, random=seeded())


def test_a_generator_of_other_images_is_refused(generator):
    wide = fs.LatentMap(lambda x: x.flatten(1)[:, :3], (1, 32, 32))
    with pytest.raises(ModelError, match=r"generator: its images are \(1, 28, 28\)"):
        coordinates(generator, wide)
