from __future__ import annotations

import torch

from fibers import normal, uniform
from fiberscope.variations.smooth import diffuse
from fiberscope.variations.warp import warp


def fields(images, down, right):
    like = images[:, 0]
    return torch.full_like(like, down), torch.full_like(like, right)


def test_nothing_moved_is_nothing_changed_to_the_last_bit():
    for dtype in (torch.float32, torch.float64):
        images = uniform(2, 3, 9, 7).to(dtype)
        assert torch.equal(warp(images, *fields(images, 0.0, 0.0)), images)


def test_whole_pixels_move_whole_and_the_edge_goes_on():
    images = uniform(2, 1, 9, 7)
    moved = warp(images, *fields(images, 2.0, -1.0))
    padded = torch.nn.functional.pad(images, (3, 3, 3, 3), mode="replicate")
    assert torch.allclose(moved, padded[:, :, 5:14, 2:9])


def test_quartics_are_reproduced_between_pixels():
    coefficients = normal(5, 5)
    powers = torch.arange(5)

    def surface(down, right):
        up, along = (down[..., None] / 10) ** powers, (right[..., None] / 10) ** powers
        return torch.einsum("...i,ij,...j->...", up, coefficients, along)

    rows, columns = torch.meshgrid(torch.arange(16.0).double(), torch.arange(12.0).double(), indexing="ij")
    images = surface(rows, columns)[None, None]
    moved = warp(images, *fields(images, 0.37, 0.81))[0, 0]
    exact = surface(rows + 0.37, columns + 0.81)
    assert torch.allclose(moved[3:-4, 3:-4], exact[3:-4, 3:-4], atol=1e-12)


def test_a_shift_keeps_the_sum_of_what_stays_in_the_image():
    images = torch.nn.functional.pad(uniform(2, 1, 6, 6), (5, 5, 5, 5))
    moved = warp(images, *fields(images, 0.3, -1.6))
    assert torch.allclose(moved.sum(dim=(1, 2, 3)), images.sum(dim=(1, 2, 3)), atol=1e-12)


def test_a_wave_is_shifted_as_a_wave():
    phase = 2 * torch.pi * torch.arange(64.0).double() / 8
    images = phase.cos().expand(1, 1, 64, 64)
    moved = warp(images, *fields(images, 0.0, 0.5))[0, 0, 0, 8:-8]
    assert float((moved - (phase + torch.pi / 8).cos()[8:-8]).abs().max()) < 5e-3


def test_blur_has_exactly_the_variance_asked_for():
    image = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    image[..., 20, 20] = 1
    blurred = diffuse(image, torch.tensor([2.5]).double())[0, 0]
    squares = (torch.arange(41.0).double() - 20) ** 2
    assert torch.allclose(blurred.sum(), torch.ones(()).double())
    assert torch.allclose((blurred.sum(0) * squares).sum(), torch.tensor(2.5).double(), atol=1e-6)
    assert torch.allclose((blurred.sum(1) * squares).sum(), torch.tensor(2.5).double(), atol=1e-6)


def test_blurs_add_up_and_keep_the_sum():
    images, one = uniform(3, 2, 8, 11), torch.ones(3).double()
    assert torch.allclose(diffuse(diffuse(images, one), 2 * one), diffuse(images, 3 * one), atol=1e-12)
    assert torch.allclose(diffuse(images, one).sum(dim=(2, 3)), images.sum(dim=(2, 3)), atol=1e-12)
