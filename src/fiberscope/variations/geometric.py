"""Variations that move pixels: shift, turn, size, slant, thickness of strokes, elastic warp."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.variations.slope import drift
from fiberscope.variations.smooth import diffuse, random_field
from fiberscope.variations.variation import Variation
from fiberscope.variations.warp import warp

_EDGE_SCALE = 1.0  # px², blur under which the direction across a stroke is taken
_FLAT = 0.01  # slope, in shares of the range a pixel, below which there is no stroke edge
_CREST = 0.3  # slope, in shares of the brightness a pixel, below which it is the crest of a stroke
_STEPS = 4
_DEGREE = math.pi / 180


class Grid(NamedTuple):
    """Places of pixels from the middle of the image, downward and to the right."""

    down: Float[Tensor, "h 1"]
    right: Float[Tensor, "1 w"]


class Motion(NamedTuple):
    """How much farther down and to the right each pixel looks at an amount, and how fast it sets out at 0."""

    places: Callable[[Grid, Float[Tensor, "batch 1 1"]], tuple[Tensor, Tensor]]
    velocity: Callable[[Grid], tuple[Tensor | float, Tensor | float]]


def geometric(height: int, width: int, span: float, *, generator: torch.Generator) -> tuple[Variation, ...]:
    """The variations that move pixels, with ranges that fit images of that size; ``span`` is the range of a pixel."""
    side = min(height, width)
    shift, bend = round(side / 7, 1), round(side / 10, 1)
    return (
        moving("translation x", "px", shift, SHIFT_X, "Shifts the image to the right."),
        moving("translation y", "px", shift, SHIFT_Y, "Shifts the image downward."),
        moving("rotation", "°", 45.0, TURN, "Turns the image counter-clockwise about its middle."),
        moving("scale", "%", 40.0, RESIZE, "Enlarges the image about its middle."),
        moving("shear", "°", 30.0, SLANT, "Slants the image to the right, like italics."),
        Variation(
            "stroke thickness",
            "px",
            -2.0,
            2.0,
            lambda images, amounts: _thicken(images, amounts, span),
            "Makes bright strokes thicker, each of their two edges by half the amount.",
            lambda images: _thickening(images, span),
        ),
        moving(
            "elastic warp",
            "px",
            bend,
            _elastic(height, width, generator),
            "Pulls pixels along a fixed smooth random field, by the amount in the root mean square.",
        ),
    )


def moving(name: str, unit: str, most: float, motion: Motion, sentence: str) -> Variation:
    """The variation by up to so much on both sides that lets each pixel look elsewhere."""

    def apply(images: Float[Tensor, "batch c h w"], amounts: Float[Tensor, " batch"]) -> Float[Tensor, "batch c h w"]:
        batch, _, height, width = images.shape
        down, right = motion.places(_grid(height, width, images), amounts[:, None, None])
        return warp(images, down.expand(batch, height, width), right.expand(batch, height, width))

    def derivative(images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        height, width = images.shape[2:]
        return drift(images, *motion.velocity(_grid(height, width, images)))

    return Variation(name, unit, -most, most, apply, sentence, derivative)


def _grid(height: int, width: int, like: Tensor) -> Grid:
    down, right = torch.arange(height).to(like), torch.arange(width).to(like)
    return Grid((down - (height - 1) / 2)[:, None], (right - (width - 1) / 2)[None, :])


def _shift_x(grid: Grid, amount: Tensor) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(amount), -amount


def _shift_y(grid: Grid, amount: Tensor) -> tuple[Tensor, Tensor]:
    return -amount, torch.zeros_like(amount)


def _turn(grid: Grid, amount: Tensor) -> tuple[Tensor, Tensor]:
    # What comes counter-clockwise to a place was clockwise of it; rows count downward.
    angle = amount * _DEGREE
    cos, sin = angle.cos() - 1, angle.sin()
    return cos * grid.down + sin * grid.right, cos * grid.right - sin * grid.down


def _resize(grid: Grid, amount: Tensor) -> tuple[Tensor, Tensor]:
    inverse = -amount / (100 + amount)
    return inverse * grid.down, inverse * grid.right


def _slant(grid: Grid, amount: Tensor) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(amount), torch.tan(amount * _DEGREE) * grid.down


# Velocities are the derivatives of the places at amount 0.
SHIFT_X = Motion(_shift_x, lambda grid: (0.0, -1.0))
SHIFT_Y = Motion(_shift_y, lambda grid: (-1.0, 0.0))
TURN = Motion(_turn, lambda grid: (_DEGREE * grid.right, -_DEGREE * grid.down))
RESIZE = Motion(_resize, lambda grid: (-grid.down / 100, -grid.right / 100))
SLANT = Motion(_slant, lambda grid: (0.0, _DEGREE * grid.down))


def _thicken(
    images: Float[Tensor, "batch c h w"], amounts: Float[Tensor, " batch"], span: float
) -> Float[Tensor, "batch c h w"]:
    """Look uphill, across the edge of the stroke: a smooth stand-in for dilation, and downhill for erosion."""
    field = _uphill(images, span)
    # The way is walked in steps: one straight look across a thin stroke would come out on its other side.
    step = (amounts / 2 / _STEPS)[:, None, None]
    way = torch.zeros_like(field) * step[:, None]
    for _ in range(_STEPS):
        way = way + step[:, None] * warp(field, way[:, 0], way[:, 1])
    return warp(images, way[:, 0], way[:, 1])


def _thickening(images: Float[Tensor, "batch c h w"], span: float) -> Float[Tensor, "batch c h w"]:
    """The derivative of `_thicken` at 0: all steps set out from the pixel itself, together by half the amount."""
    velocity = _uphill(images, span) / 2
    return drift(images, velocity[:, :1], velocity[:, 1:])


def _uphill(images: Float[Tensor, "batch c h w"], span: float) -> Float[Tensor, "batch 2 h w"]:
    """Direction to the nearest stroke, downward and to the right: of length 1 on its flanks, 0 on its crest."""
    grey = images.mean(dim=1, keepdim=True) / span
    calm = diffuse(grey, torch.full_like(grey[:, 0, 0, 0], _EDGE_SCALE))
    edged = torch.nn.functional.pad(calm, (1, 1, 1, 1), mode="replicate")
    down = (edged[:, :, 2:, 1:-1] - edged[:, :, :-2, 1:-1]) / 2
    right = (edged[:, :, 1:-1, 2:] - edged[:, :, 1:-1, :-2]) / 2
    slope = torch.cat([down, right], dim=1)
    return slope / (slope.square().sum(dim=1, keepdim=True) + (_CREST * calm).square() + _FLAT**2).sqrt()


def _elastic(height: int, width: int, generator: torch.Generator) -> Motion:
    smooth = random_field(2, height, width, variance=(min(height, width) / 7) ** 2, generator=generator)
    down, right = smooth / smooth.square().sum(dim=0).mean().sqrt()
    return Motion(
        lambda grid, amount: (amount * down.to(amount), amount * right.to(amount)),
        lambda grid: (down.to(grid.down), right.to(grid.down)),
    )
