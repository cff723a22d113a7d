"""Generators without training: what their coordinates mean, and that fibers behind them are fibers."""

from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fiberscope.models import compose
from fiberscope.models.linear_generators import PrincipalGenerator, WaveGenerator
from small_faces import SHAPE, small_faces, small_latent_map


def test_waves_lose_nothing_of_an_image():
    images = small_faces().images
    waves = WaveGenerator(SHAPE)
    torch.testing.assert_close(waves(waves.encode(images)), images, atol=2e-6, rtol=0)


def test_a_smooth_change_is_short_in_waves_and_noise_of_the_same_size_is_long():
    waves, image = WaveGenerator(SHAPE), torch.full((1, *SHAPE), 0.5)
    ramp = torch.linspace(-0.1, 0.1, 32).expand(1, *SHAPE)
    noise = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(0))
    noise = noise * ramp.norm() / noise.norm()
    smooth, rough = ((waves.encode(image + change) - waves.encode(image)).norm() for change in (ramp, noise))
    assert float(rough) > 5 * float(smooth)


def test_principal_coordinates_have_unit_spread_and_reach_the_samples():
    images = small_faces(6, 4).images
    found = PrincipalGenerator(images, count=23)
    coordinates = found.encode(images)
    torch.testing.assert_close(coordinates.std(dim=0), torch.ones(23), rtol=1e-3, atol=0)
    torch.testing.assert_close(found(coordinates), images, atol=1e-4, rtol=0)
    few = PrincipalGenerator(images, count=5)
    torch.testing.assert_close(few.axes, found.axes[:5])
    assert float((few(few.encode(images)) - images).norm()) > 0.1


@pytest.mark.parametrize("kind", ["waves", "components"])
def test_a_fiber_behind_a_generator_is_a_fiber_of_the_network(kind):
    images, network = small_faces(8, 6).images, small_latent_map()
    generator = WaveGenerator(SHAPE) if kind == "waves" else PrincipalGenerator(images, count=18)
    whole = fs.LatentMap(compose(generator, network.model), (generator.latent_size,))
    fiber = fs.Fiber(whole, network(images[:1])[0], fs.Box(float("-inf"), float("inf")))
    found = fs.project(fiber, generator.encode(images[7:9])).raise_if_failed()
    made = generator(found.points)
    away = (network(made) - network(images[:1])).norm(dim=1) / network(images[:1]).norm()
    assert float(away.max()) < 2e-5
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1


def test_what_cannot_be_is_refused_by_name():
    with pytest.raises(fs.ModelError, match="count: expected 1 to 19"):
        PrincipalGenerator(small_faces().images, count=20)
    with pytest.raises(fs.ModelError, match="half_at"):
        WaveGenerator(SHAPE, half_at=0.0)
