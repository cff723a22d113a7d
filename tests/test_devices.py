"""Every tensor follows the input: on a GPU the moves find what they find on the CPU."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch

import fiberscope as fs
from networks import pairs

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
DIGITS = fs.data.mnist("test")


@needs_cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_moves_stay_on_the_device_of_the_model_and_reach_the_same_fibers(dtype):
    latent_map = fs.LatentMap(fs.models.load("mnist-classifier").to("cuda", dtype).encoder, (1, 28, 28))
    sources, targets = pairs(32, seed=0)
    images, others = (DIGITS.images[index].to("cuda", dtype) for index in (sources, targets))
    fiber = fs.Fiber.through(latent_map, others)
    projected = fs.project(fiber, images).raise_if_failed()
    near = fs.nearest(fiber, images).raise_if_failed()
    walked = fs.walk(fiber, near.points, images - near.points, length=1.0, num_steps=4)
    for found in (projected.points, near.points, near.slope, walked.points, walked.arc_length):
        assert found.device.type == "cuda"
        assert found.dtype == dtype
    assert bool((walked.residual_norm <= walked.tolerance).all())


@needs_cuda
def test_products_spectra_and_sensitivities_follow_the_device(monkeypatch):
    monkeypatch.setattr(import_module("fiberscope.geometry.differentiate"), "DENSE_BYTES", 0)
    latent_map = fs.LatentMap(fs.models.load("mnist-classifier").to("cuda").encoder, (1, 28, 28))
    images, others = (DIGITS.images[index].to("cuda") for index in pairs(4, seed=0))
    found = fs.project(fs.Fiber.through(latent_map, others), images).raise_if_failed()
    split = fs.geometry.range_finder(latent_map, images, count=8)
    yardstick = fs.variations.yardsticks(
        latent_map, images, DIGITS.labels[:4], count=4, generator=torch.Generator().manual_seed(0)
    )
    seen = fs.variations.sensitivity(latent_map, images, fs.variations.catalogue((1, 28, 28)), yardstick=yardstick)
    assert found.method.value == "matrix-free"
    assert {part.device.type for part in (found.points, split.row_basis, seen.relative)} == {"cuda"}


@needs_cuda
def test_a_jacobian_on_the_device_is_that_on_the_cpu():
    encoder = fs.models.load("mnist-classifier").double().encoder
    images = DIGITS.images[:40].double()
    here = fs.jacobian(fs.LatentMap(encoder, (1, 28, 28)), images)
    there = fs.jacobian(fs.LatentMap(encoder.to("cuda"), (1, 28, 28)), images.to("cuda"))
    assert torch.allclose(here, there.cpu(), atol=1e-9)
