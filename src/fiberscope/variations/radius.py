"""The radius of a neighbourhood, named as a person names it: a latent distance, or a share of the usual one."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.problem import FiberscopeError
from fiberscope.variations.latent_scale import LatentScale

_MOST_IMAGES = 2048  # of which all pairs are compared


def radius_of(eps: float | str, scale: LatentScale, latents: Float[Tensor, "image m"]) -> float:
    """The radius that ``eps`` names: a number is a latent distance, "25%" that share of the median within a class.

    ``latents`` are those of reference images. Raises `FiberscopeError` for what is not positive, and for more than any
    distance between two of them (of the first 2048): such a tube is no neighbourhood.
    """
    radius = _parse(eps, scale)
    if not 0 < radius < math.inf:
        raise FiberscopeError(
            f"eps: expected a positive distance, found {eps!r}. Name one such as 0.5 in units of the latent, or 25% of "
            "the median distance within a class; for 0 explore the fiber itself."
        )
    some = latents.detach()[:_MOST_IMAGES].double()
    largest = float(torch.cdist(some, some).max()) if len(some) else 0.0
    if radius > largest:
        raise FiberscopeError(
            f"eps: {eps!r} is a latent distance of {radius:.4g}, and no two of {len(some)} reference images are more "
            f"than {largest:.4g} apart: the tube then holds every image. Name a smaller one, such as 25%."
        )
    return radius


def _parse(eps: float | str, scale: LatentScale) -> float:
    if not isinstance(eps, str):
        return float(eps)
    words = eps.strip()
    share = words.endswith("%")
    try:
        number = float(words.removesuffix("%"))
    except ValueError:
        raise FiberscopeError(
            f"eps: {eps!r} is neither a number nor a percentage. Write 0.5 for a latent distance, or 25% for that "
            "share of the median distance within a class."
        ) from None
    return number / 100 * scale.within if share else number
