"""What people look past in a written digit: how it was warped, weighed, greyed, cut and speckled."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional

from fiberscope.judges.ink import ink


def inked_nuisances(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """All of them, then ink at a random level: what a judge that reads ink should not mind."""
    changed = disturb(images, generator)
    count = len(images)
    return ink(changed, uniform(generator, count, 0.12, 0.32), uniform(generator, count, 0.04, 0.25))


def disturb(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """Warp, change the stroke's weight, cut gaps, grey parts, add a ghost of another digit, noise and specks."""
    images = cut(reweigh(warp(images, generator), generator), generator)
    images = haunt(grey(images, generator), generator)
    return speckle(shake(images, generator), generator)


def warp(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """Rotate within 15 degrees, scale within 15 per cent, shear, shift within two pixels and bend smoothly.

    References:
        Simard, Steinkraus and Platt (2003), Best practices for convolutional neural networks (elastic distortions).
    """
    count = len(images)
    angle, shear, *scales = (
        uniform(generator, count, -size, size).flatten() for size in (math.radians(15), 0.2, 0.15, 0.15)
    )
    across, along = 1 + scales[0], 1 + scales[1]
    shift = (4 * torch.rand(2, count, generator=generator) - 2) / 14
    cosine, sine = angle.cos(), angle.sin()
    first = torch.stack([cosine / across, (shear * cosine - sine) / across, shift[0]], dim=1)
    second = torch.stack([sine / along, (cosine + shear * sine) / along, shift[1]], dim=1)
    grid = functional.affine_grid(torch.stack([first, second], dim=1), list(images.shape), align_corners=False)
    bend = torch.randn(count, 2, 6, 6, generator=generator) * (1.2 / 14) * uniform(generator, count, 0.0, 1.0)
    bend = functional.interpolate(bend, size=28, mode="bicubic", align_corners=False)
    return functional.grid_sample(images, grid + bend.permute(0, 2, 3, 1), align_corners=False).clamp(0, 1)


def reweigh(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """Make strokes up to one pixel thicker on each side, or a little thinner."""
    thick, thin = functional.max_pool2d(images, 3, 1, 1), -functional.max_pool2d(-images, 3, 1, 1)
    weight = uniform(generator, len(images), -0.6, 1.0)
    return torch.where(weight > 0, images + weight * (thick - images), images - weight * (thin - images))


def cut(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """Erase up to two small discs, as a pen that skips."""
    down, right = torch.arange(28.0)[:, None], torch.arange(28.0)
    for _ in range(2):
        y, x = uniform(generator, len(images), 5.0, 23.0), uniform(generator, len(images), 5.0, 23.0)
        radius = uniform(generator, len(images), 0.0, 2.6) * _sometimes(generator, len(images), 0.4)
        images = images * ((down - y).square() + (right - x).square() > radius.square())
    return images


def grey(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """Let parts of the strokes fade to a grey that is still seen."""
    count = len(images)
    edge = uniform(generator, count, 0.2, 0.9)
    part = torch.sigmoid(12 * (_clouds(generator, count) - edge)) * _sometimes(generator, count, 0.6)
    return images * (1 - part * (1 - uniform(generator, count, 0.3, 1.0)))


def haunt(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """Lay faint parts of another digit of the batch over some of them."""
    count = len(images)
    other = images[torch.randperm(count, generator=generator)]
    part = _clouds(generator, count) > uniform(generator, count, 0.5, 0.9)
    strength = uniform(generator, count, 0.0, 0.3) * _sometimes(generator, count, 0.3)
    return torch.maximum(images, other * part * strength)


def shake(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """Add Gaussian noise to some of them."""
    strength = uniform(generator, len(images), 0.0, 0.1) * _sometimes(generator, len(images), 0.4)
    return (images + strength * torch.randn(images.shape, generator=generator)).clamp(0, 1)


def speckle(images: Float[Tensor, "batch 1 28 28"], generator: Generator) -> Float[Tensor, "batch 1 28 28"]:
    """Replace up to six per cent of the pixels of some of them by random greys."""
    share = uniform(generator, len(images), 0.0, 0.06) * _sometimes(generator, len(images), 0.5)
    struck = torch.rand(images.shape, generator=generator) < share
    return torch.where(struck, torch.rand(images.shape, generator=generator), images)


def uniform(generator: Generator, count: int, low: float, high: float) -> Float[Tensor, "count 1 1 1"]:
    """One number for each image."""
    return low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)


def _sometimes(generator: Generator, count: int, share: float) -> Float[Tensor, "count 1 1 1"]:
    return (torch.rand(count, 1, 1, 1, generator=generator) < share).float()


def _clouds(generator: Generator, count: int) -> Float[Tensor, "count 1 28 28"]:
    coarse = torch.rand(count, 1, 5, 5, generator=generator)
    return functional.interpolate(coarse, size=28, mode="bicubic", align_corners=False).clamp(0, 1)
