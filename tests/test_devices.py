"""Every tensor follows the input: on a GPU the moves find what they find on the CPU."""

from __future__ import annotations

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
def test_a_jacobian_on_the_device_is_that_on_the_cpu():
    encoder = fs.models.load("mnist-classifier").double().encoder
    images = DIGITS.images[:40].double()
    here = fs.jacobian(fs.LatentMap(encoder, (1, 28, 28)), images)
    there = fs.jacobian(fs.LatentMap(encoder.to("cuda"), (1, 28, 28)), images.to("cuda"))
    assert torch.allclose(here, there.cpu(), atol=1e-9)
