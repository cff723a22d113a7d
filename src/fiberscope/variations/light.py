"""Light on a face: a lamp and ambient light on a generic head, as changes of how a picture was lit."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.variations.head import Head, generic_head
from fiberscope.variations.variation import Variation

_AMBIENT, _LAMP = (
    0.4,
    0.6,
)  # of the light that pictures are taken to have been made by; together 1 where a face faces us
_DUSK = 0.15  # over so much of the cosine the light of a lamp fades out
_ASIDE = math.radians(60)  # where the second lamp stands
_DEGREE = math.pi / 180


def light(height: int, width: int, lower: float) -> tuple[Variation, ...]:
    """Five ways to change the light, for faces that fill the image; ``lower`` is what black is.

    Pictures are taken to be lit from the front. A change of light multiplies each pixel by the ratio of its new
    shading to that one, as the quotient images of Riklin-Raviv and Shashua do.

    References:
        Riklin-Raviv and Shashua (2001), The Quotient Image: Class-Based Re-Rendering and Recognition.
        Basri and Jacobs (2003), Lambertian Reflectance and Linear Subspaces.
    """
    head = generic_head(height, width)
    front = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    usual = _AMBIENT + _LAMP * _lit(head, front)
    side = _lit(head, torch.tensor([math.sin(_ASIDE), 0.0, math.cos(_ASIDE)], dtype=torch.float64))
    right, down = (torch.eye(3, dtype=torch.float64)[i] for i in (0, 1))
    return (
        _turned("light azimuth", head, usual, right, lower, "Moves the lamp to the right around the face."),
        _turned("light elevation", head, usual, -down, lower, "Raises the lamp above the face."),
        _added("lamp strength", -80.0, 100.0, _LAMP * _lit(head, front) / usual, lower, "Makes the lamp stronger."),
        _added("ambient light", -80.0, 100.0, _AMBIENT / usual, lower, "Makes the light from all sides stronger."),
        _added("second lamp", 0.0, 100.0, side / usual, lower, "Switches on a lamp on the right, 60° aside."),
    )


def _turned(
    name: str, head: Head, usual: Float[Tensor, "h w"], toward: Float[Tensor, " 3"], lower: float, sentence: str
) -> Variation:
    """The variation by up to 60° that swings the lamp from the front toward a unit vector."""
    # n · l for the lamp at an angle is a mixture of these two: l = cos(angle) front + sin(angle) toward.
    ahead, aside = head.normal[2], torch.einsum("c,chw->hw", toward, head.normal)

    def ratio(amounts: Float[Tensor, " batch"]) -> Float[Tensor, "batch 1 h w"]:
        angle = (amounts * _DEGREE)[:, None, None]
        # cos(angle) - 1 by the half angle: nothing is left of it at 0, to the last bit.
        cosine = ahead.to(angle) - 2 * (angle / 2).sin().square() * ahead.to(angle) + angle.sin() * aside.to(angle)
        shading = _AMBIENT + _LAMP * _fade(cosine)
        now: Tensor = ((shading - (_AMBIENT + _LAMP * _fade(ahead.to(angle)))) / usual.to(angle))[:, None]
        return now

    rate = _LAMP * _fade_slope(ahead) * aside / usual * _DEGREE
    return Variation(
        name,
        "°",
        -60.0,
        60.0,
        lambda images, amounts: images + ratio(amounts) * (images - lower),
        sentence,
        lambda images: rate.to(images) * (images - lower),
    )


def _added(name: str, low: float, high: float, share: Float[Tensor, "h w"], lower: float, sentence: str) -> Variation:
    """The variation that adds so many hundredths of a light, known by its share in the usual shading."""
    change: Callable[[Tensor], Tensor] = lambda images: share.to(images) * (images - lower) / 100  # noqa: E731
    return Variation(
        name,
        "%",
        low,
        high,
        lambda images, amounts: images + amounts[:, None, None, None] * change(images),
        sentence,
        change,
    )


def _lit(head: Head, lamp: Float[Tensor, " 3"]) -> Float[Tensor, "h w"]:
    return _fade(torch.einsum("c,chw->hw", lamp, head.normal))


def _fade(cosine: Tensor) -> Tensor:
    """A smooth stand-in for the positive part: what a lamp gives to a surface at that cosine."""
    return (cosine + (cosine.square() + _DUSK**2).sqrt()) / 2


def _fade_slope(cosine: Tensor) -> Tensor:
    return (1 + cosine / (cosine.square() + _DUSK**2).sqrt()) / 2
