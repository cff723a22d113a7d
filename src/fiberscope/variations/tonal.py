"""Variations that change the light: contrast, brightness, gamma, blur, noise, patch, background, direction of light."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.variations.smooth import diffuse, diffusion
from fiberscope.variations.variation import Variation


def pointwise(
    shape: tuple[int, ...], lower: float, upper: float, *, generator: torch.Generator
) -> tuple[Variation, ...]:
    """The variations that need no neighbours: they fit images of every shape."""
    span, middle = upper - lower, (lower + upper) / 2
    noise = torch.randn(shape, dtype=torch.float64, generator=generator)
    return (
        _mixed("contrast", -80.0, 80.0, lambda images: images - middle, "Draws values away from middle grey."),
        _mixed(
            "brightness",
            -50.0,
            50.0,
            lambda images: torch.full_like(images, span),
            "Adds a share of the range to every pixel.",
        ),
        Variation(
            "gamma",
            "%",
            -60.0,
            100.0,
            lambda images, amounts: lower + span * _power((images - lower) / span, _share(amounts, images)),
            "Raises values, as shares of the range, to the power of 1 plus the amount: darkens the grey between.",
            lambda images: span / 100 * _power_slope((images - lower) / span),
        ),
        _mixed(
            "noise",
            0.0,
            30.0,
            lambda images: (span * noise).to(images).expand_as(images),
            "Adds a fixed field of white noise with this standard deviation, as a share of the range.",
        ),
    )


def spatial_light(height: int, width: int, lower: float, upper: float) -> tuple[Variation, ...]:
    """The variations of light that know where a pixel stands."""
    span = upper - lower
    down, right = (torch.linspace(-1, 1, side, dtype=torch.float64) for side in (height, width))
    down = down[:, None]
    ramp, shade, patch = (right + 1) / 2, (down + right + 2) / 4, _patch(height, width)
    strongest = round((min(height, width) / 14) ** 2, 1)
    return (
        Variation("blur", "px²", 0.0, strongest, diffuse, "Blurs by a Gaussian of this variance.", diffusion),
        _mixed(
            "occluding patch",
            0.0,
            100.0,
            lambda images: patch.to(images) * (lower + span / 2 - images),
            "Lays a grey square over the middle, with this opacity.",
        ),
        _mixed(
            "background gradient",
            0.0,
            80.0,
            lambda images: ramp.to(images) * (upper - images),
            "Lets the background grow lighter to the right, up to this share of the range; bright strokes stay.",
        ),
        _mixed(
            "light from a direction",
            0.0,
            90.0,
            lambda images: shade.to(images) * (lower - images),
            "Lights the upper left: toward the lower right corner the image loses up to this share of its light.",
        ),
    )


def _mixed(name: str, low: float, high: float, change: Callable[[Tensor], Tensor], sentence: str) -> Variation:
    """The variation that adds so many hundredths of a change, which is a function of the images."""
    return Variation(
        name,
        "%",
        low,
        high,
        lambda images, amounts: images + _share(amounts, images) * change(images),
        sentence,
        lambda images: change(images) / 100,
    )


def _share(amounts: Float[Tensor, " batch"], images: Tensor) -> Tensor:
    """Percentages as shares of one, ready to be multiplied with images."""
    return amounts.view(-1, *[1] * (images.ndim - 1)) / 100


def _power(values: Tensor, excess: Tensor) -> Tensor:
    """``values ** (1 + excess)``, which has a derivative in the exponent at 0 too; values below 0 stay."""
    return values * torch.exp(excess * _log(values))


def _power_slope(values: Tensor) -> Tensor:
    """The derivative of `_power` in the exponent, at 0."""
    return values * _log(values)


def _log(values: Tensor) -> Tensor:
    return torch.where(values > 0, values, 1.0).log()


def _patch(height: int, width: int) -> Float[Tensor, "h w"]:
    mask, side = torch.zeros(height, width, dtype=torch.float64), math.ceil(min(height, width) / 4)
    top, left = (height - side) // 2, (width - side) // 2
    mask[top : top + side, left : left + side] = 1
    return mask
