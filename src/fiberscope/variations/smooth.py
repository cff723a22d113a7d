"""Heat flow on the pixel grid: blur that is exact at every variance, and smooth random fields."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def diffuse(images: Float[Tensor, "batch c h w"], variance: Float[Tensor, " batch"]) -> Float[Tensor, "batch c h w"]:
    """Convolve with the discrete Gaussian of that variance in px², mirrored at the edges; the sum stays what it is.

    The exponential of half the variance times the grid's Laplacian: identity at 0, and smooth in the variance there.

    References:
        Lindeberg (1990), Scale-Space for Discrete Signals.
    """
    height, width = images.shape[-2:]
    rows, columns = _cosines(height).to(images), _cosines(width).to(images)
    rate = _decay(height)[:, None].to(images) + _decay(width).to(images)
    waves = rows @ images @ columns.T
    # What goes, rather than what stays: nothing goes at variance 0, to the last bit.
    return images + rows.T @ (waves * torch.expm1(-variance[:, None, None, None] * rate)) @ columns


def diffusion(images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
    """The derivative of `diffuse` at variance 0: half the grid's Laplacian, mirrored at the edges."""
    edged = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    middle = slice(1, -1)
    upright = edged[:, :, :-2, middle] + edged[:, :, 2:, middle]
    across = edged[:, :, middle, :-2] + edged[:, :, middle, 2:]
    return (upright + across) / 2 - 2 * images


def random_field(
    count: int, height: int, width: int, *, variance: float, generator: torch.Generator
) -> Float[Tensor, "count h w"]:
    """White noise after heat flow, in float64 on the CPU, so that it is the same everywhere."""
    noise = torch.randn(1, count, height, width, dtype=torch.float64, generator=generator)
    return diffuse(noise, torch.tensor([variance], dtype=torch.float64))[0]


def _cosines(length: int) -> Float[Tensor, "k length"]:
    k = torch.arange(length, dtype=torch.float64)[:, None]
    waves = torch.cos(math.pi * k * (torch.arange(length, dtype=torch.float64) + 0.5) / length)
    return torch.nn.functional.normalize(waves, dim=1)


def _decay(length: int) -> Float[Tensor, " k"]:
    """Decay of each cosine per px² of variance: half the eigenvalue of the second difference, mirrored at the ends."""
    return 1 - torch.cos(math.pi * torch.arange(length, dtype=torch.float64) / length)
