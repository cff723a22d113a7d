"""The data against which directions are weighed: how real images vary."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.selection import Selection, is_digit, select
from fiberscope.geometry.bases import covariance_factor
from fiberscope.problem import FiberscopeError, LatentMap


def reference_factor(sources: Sequence[str] | None, latent_map: LatentMap, images: Selection) -> Float[Tensor, "n r"]:
    """The covariance factor of the named images; by default of all test digits, or where no digit fits, of the run's.

    Raises FiberscopeError when these are too few to vary.
    """
    shape = latent_map.input_shape
    if sources is None:
        reference = select(("::",), shape=shape) if is_digit(shape) else images
    else:
        reference = select(sources, shape=shape, argument="reference")
    if len(reference.names) < 2:
        raise FiberscopeError(
            "reference: how images vary cannot be told from one of them. Name a folder of images by --reference."
        )
    return factor_of(latent_map, reference.images)


def factor_of(latent_map: LatentMap, images: Float[Tensor, "image ..."]) -> Float[Tensor, "n r"]:
    """The covariance factor of these images, computed where and as precisely as the network is."""
    return covariance_factor(latent_map.flatten(images.to(latent_map.device, latent_map.dtype)))


def spread(count: int, most: int) -> Int64[Tensor, " place"]:
    """Places of at most so many images, evenly over the whole: labelled images often come class by class."""
    return torch.linspace(0, count - 1, min(most, count)).long()
