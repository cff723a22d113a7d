"""What the whole network says of images, by a forward pass that shares nothing with the moves."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.models import Classifier


class Reading(NamedTuple):
    """The latent of each image, the class that the network reads in it, and the probability that it gives the class."""

    latents: Float[Tensor, "batch m"]
    classes: Int64[Tensor, " batch"]
    probabilities: Float[Tensor, " batch"]


def read(network: Classifier, images: Float[Tensor, "batch ..."]) -> Reading:
    """Latents, classes and probabilities of images."""
    with torch.no_grad():
        latents = network.encoder(images)
        best = network.head(latents).softmax(dim=1).max(dim=1)
    return Reading(latents, best.indices, best.values)


def relative_distance(
    latents: Float[Tensor, "*batch m"], targets: Float[Tensor, "*batch m"]
) -> Float[Tensor, "*batch"]:
    """``|z - target| / |target|``, the size of a residual that tolerances speak of."""
    relative: Tensor = (latents - targets).norm(dim=-1) / targets.norm(dim=-1)
    return relative
