"""How far apart latents are within a class and between classes: the unit of latent distances."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.problem import FiberscopeError

_MOST_IMAGES = 2048  # of which all pairs are compared


class LatentScale(NamedTuple):
    """Median Euclidean distances between the latents of two images of one class, and of two classes."""

    within: float
    between: float


def latent_scale(latents: Float[Tensor, "image m"], labels: Int[Tensor, " image"]) -> LatentScale:
    """The medians over all pairs; of more than 2048 images, that many at random, the same each time.

    Raises `FiberscopeError` unless there are two images of a class and two classes, with distances above 0.
    """
    if len(labels) != len(latents):
        raise FiberscopeError(f"labels: {len(labels)} for {len(latents)} latents. Give one label for each.")
    if not bool(latents.isfinite().all()):
        raise FiberscopeError("latents: NaN or infinity in them. Leave out the images whose latents are not finite.")
    some = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[:_MOST_IMAGES]
    latents, labels = latents.detach().cpu().double()[some], labels.cpu()[some]
    first, second = torch.triu_indices(len(labels), len(labels), offset=1)
    distances, alike = torch.nn.functional.pdist(latents), labels[first] == labels[second]
    if not bool(alike.any()) or bool(alike.all()):
        raise FiberscopeError(
            f"labels: {len(labels)} images of {len(set(labels.tolist()))} classes. Give at least two classes, and two "
            "images of one."
        )
    scale = LatentScale(float(distances[alike].median()), float(distances[~alike].median()))
    if not scale.within > 0:
        raise FiberscopeError(
            "latents: the median distance within a class is 0, so it can be no unit. Give images that differ, or look "
            "whether the network maps everything to one latent."
        )
    return scale
