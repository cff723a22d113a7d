"""The slope of images at their pixels: how fast they change when each pixel sets out to look elsewhere."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_REACH = 2


def drift(
    images: Float[Tensor, "batch c h w"], down: Tensor | float, right: Tensor | float
) -> Float[Tensor, "batch c h w"]:
    """Derivative at rest of `warp` along a velocity in pixels, which broadcasts to the images: ``v · grad I``.

    The slope is that of the warp's own interpolator at the pixels: fourth-order differences, with the edge going on.
    """
    edged = torch.nn.functional.pad(images, (_REACH,) * 4, mode="replicate")
    inside = slice(_REACH, -_REACH)
    return down * _slope(edged[..., inside], dim=2) + right * _slope(edged[:, :, inside], dim=3)


def _slope(edged: Float[Tensor, "batch c rows columns"], *, dim: int) -> Float[Tensor, "batch c h w"]:
    """Along that dimension, which becomes shorter by the reach at both ends."""
    length = edged.shape[dim] - 2 * _REACH
    before2, before, after, after2 = (edged.narrow(dim, _REACH + k, length) for k in (-2, -1, 1, 2))
    # I'(p) = (8 (I(p + 1) - I(p - 1)) - (I(p + 2) - I(p - 2))) / 12 + O(fourth derivatives)
    return (after - before) * (8 / 12) - (after2 - before2) / 12
