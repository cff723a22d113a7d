"""Images sampled between their pixels, smoothly enough that a shift has a tangent."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

_TAPS = 6


def warp(
    images: Float[Tensor, "batch c h w"], down: Float[Tensor, "batch h w"], right: Float[Tensor, "batch h w"]
) -> Float[Tensor, "batch c h w"]:
    """Each pixel takes the value that the image has ``down`` pixels below it and ``right`` pixels to its right.

    Between pixels runs a piecewise quintic with derivatives by fourth-order differences: it meets the pixels exactly,
    is twice differentiable, and six pixels wide. Outside the image its edge goes on.

    References:
        Keys (1981), Cubic Convolution Interpolation for Digital Image Processing (the six-point kernel).
        de Boor (2001), A Practical Guide to Splines, chapter IV (Hermite interpolation).
    """
    batch, channels, height, width = images.shape
    rows, row_weights = _taps(torch.arange(height).to(down)[:, None] + down, height)
    columns, column_weights = _taps(torch.arange(width).to(right) + right, width)
    flat = images.reshape(batch, channels, 1, height * width)
    total = torch.zeros((), dtype=images.dtype, device=images.device)
    for i in range(_TAPS):  # one row of the neighbourhood at a time: all 36 at once would be 36 images in memory
        places = (rows[..., i : i + 1] * width + columns).reshape(batch, 1, 1, -1)
        pixels = flat.expand(-1, -1, len(places[0]), -1).gather(3, places.expand(-1, channels, -1, -1))
        line = (pixels.reshape(batch, channels, height, width, _TAPS) * column_weights[:, None]).sum(dim=-1)
        total = total + row_weights[:, None, ..., i] * line
    return total


def _taps(
    places: Float[Tensor, "batch h w"], length: int
) -> tuple[Int64[Tensor, "batch h w 6"], Float[Tensor, "batch h w 6"]]:
    """The six pixels around each place on a line, and their weights; beyond the ends the last pixel stands again."""
    before = places.detach().floor()
    part = places - before
    powers = torch.stack([part**k for k in range(6)], dim=-1)
    around = before.long()[..., None] + torch.arange(-2, 4, device=places.device)
    return around.clamp(0, length - 1), powers @ _WEIGHTS.to(places)


def _kernel() -> Float[Tensor, "6 6"]:
    """Coefficients of the quintic between two pixels, power by power, for the six pixels around it."""
    first = torch.tensor([1.0, -8.0, 0.0, 8.0, -1.0], dtype=torch.float64) / 12
    second = torch.tensor([-1.0, 16.0, -30.0, 16.0, -1.0], dtype=torch.float64) / 12
    ends = torch.zeros(6, 6, dtype=torch.float64)  # value, slope and bend at the left end, then at the right
    ends[0, 2] = ends[3, 3] = 1
    ends[1, :5] = ends[4, 1:] = first
    ends[2, :5] = ends[5, 1:] = second
    hermite = torch.tensor(
        [
            [1, 0, 0, -10, 15, -6],
            [0, 1, 0, -6, 8, -3],
            [0, 0, 0.5, -1.5, 1.5, -0.5],
            [0, 0, 0, 10, -15, 6],
            [0, 0, 0, -4, 7, -3],
            [0, 0, 0, 0.5, -1, 0.5],
        ],
        dtype=torch.float64,
    )
    return hermite.T @ ends


_WEIGHTS = _kernel()
