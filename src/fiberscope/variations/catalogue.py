"""The variations that ship, for images of a shape."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import torch

from fiberscope.problem import Box, FiberscopeError
from fiberscope.variations.geometric import geometric
from fiberscope.variations.tonal import pointwise, spatial_light
from fiberscope.variations.variation import Variation

_LEAST_SIDE = 8
_IMAGE_DIMENSIONS = 3


def catalogue(shape: Sequence[int], *, box: Box | None = None, seed: int = 0) -> tuple[Variation, ...]:
    """Every variation that fits images of that shape; the seed draws the elastic warp and the noise.

    Images ``(channels, h, w)`` of at least 8 pixels a side have all fifteen, other shapes those that need no
    neighbours. Percentages are of the range of the box, from its lowest to its highest bound. Raises
    `FiberscopeError` for a box without bounds.
    """
    shape = tuple(shape)
    lower, upper = range_of(box or Box())
    fields, grain = (torch.Generator().manual_seed(seed + part) for part in (0, 1))
    plain = pointwise(shape, lower, upper, generator=grain)
    if len(shape) != _IMAGE_DIMENSIONS or min(shape[1:]) < _LEAST_SIDE:
        return plain
    _, height, width = shape
    moving = geometric(height, width, upper - lower, generator=fields)
    found = {variation.name: variation for variation in (*moving, *plain, *spatial_light(height, width, lower, upper))}
    return tuple(found[name] for name in _ORDER)


_ORDER = (
    "translation x",
    "translation y",
    "rotation",
    "scale",
    "shear",
    "stroke thickness",
    "elastic warp",
    "contrast",
    "brightness",
    "gamma",
    "blur",
    "noise",
    "occluding patch",
    "background gradient",
    "light from a direction",
)


def choose(variations: Iterable[Variation], names: Sequence[str]) -> tuple[Variation, ...]:
    """The variations of these names, in that order; raises `FiberscopeError` that lists the names there are."""
    found = {variation.name: variation for variation in variations}
    for name in names:
        if name not in found:
            close = difflib.get_close_matches(name, found, n=1)
            guess = f" Did you mean {close[0]!r}?" if close else ""
            raise FiberscopeError(f"names: there is no variation {name!r} among {', '.join(found)}.{guess}")
    return tuple(found[name] for name in names)


def range_of(box: Box) -> tuple[float, float]:
    """The lowest and the highest bound; raises `FiberscopeError` for a box without them."""
    lower, upper = float(torch.as_tensor(box.lower).min()), float(torch.as_tensor(box.upper).max())
    if not -float("inf") < lower < upper < float("inf"):
        raise FiberscopeError(
            f"box: from {lower} to {upper} it has no range to take shares of. Give a Box with finite bounds."
        )
    return lower, upper
