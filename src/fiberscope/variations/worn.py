"""What hides parts of a face: glasses, dark glasses, a mask over the mouth."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.variations.head import places
from fiberscope.variations.variation import Variation

# In shares of the image's height, from its middle.
_EYES, _ASIDE, _RADIUS = -0.05, 0.155, 0.095
_FRAME, _SOFT = 0.016, 0.008
_MASK = (0.12, 0.45, 0.28)  # where the mask begins and ends, and half its width


def worn(height: int, width: int, lower: float, upper: float) -> tuple[Variation, ...]:
    """Overlays by their opacity, for upright faces that fill the image."""
    frames, lenses = _glasses(height, width)
    span = upper - lower
    black, cloth = lower + 0.1 * span, lower + 0.75 * span
    return (
        _overlay("glasses", frames, black, "Puts a dark frame of glasses on, with this opacity."),
        _overlay("dark glasses", lenses.maximum(frames), black, "Puts dark glasses on, with this opacity."),
        _overlay("mask", _mask(height, width), cloth, "Hides mouth and chin under light cloth, with this opacity."),
    )


def _overlay(name: str, mask: Float[Tensor, "h w"], grey: float, sentence: str) -> Variation:
    change: Callable[[Tensor], Tensor] = lambda images: mask.to(images) * (grey - images) / 100  # noqa: E731
    return Variation(
        name,
        "%",
        0.0,
        100.0,
        lambda images, amounts: images + amounts[:, None, None, None] * change(images),
        sentence,
        change,
    )


def _glasses(height: int, width: int) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"]]:
    down, right = places(height, width)
    # How far from the rim of the nearer lens, negative inside: two circles, a bridge and two temples.
    aside = right.abs()
    from_rim = ((down - _EYES).square() + (aside - _ASIDE).square()).sqrt() - _RADIUS
    rim = _inside(from_rim.abs() - _FRAME / 2)
    inner, outer = _ASIDE - _RADIUS, _ASIDE + _RADIUS
    bar = _inside((down - _EYES).abs() - _FRAME / 2) * torch.maximum(_inside(aside - inner), _inside(outer - aside))
    return rim.maximum(bar * _inside(aside - 0.38)), _inside(from_rim)


def _mask(height: int, width: int) -> Float[Tensor, "h w"]:
    down, right = places(height, width)
    top, foot, half = _MASK
    return _inside(top - down) * _inside(down - foot) * _inside(right.abs() - half)


def _inside(beyond: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """1 where a distance is well below zero, 0 well above, smooth between."""
    return torch.sigmoid(-beyond / (_SOFT / 2))
