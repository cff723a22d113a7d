"""What a network says of images, by a forward pass that shares nothing with the moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.problem import LatentMap

Logits = Callable[[Float[Tensor, "batch ..."]], Float[Tensor, "batch classes"]]
"""The whole network, where its output is one number a class, the largest at the class that it reads."""

_BATCH = 500


class Reading(NamedTuple):
    """The latent of each image, the class that the network reads in it, and the probability that it gives the class.

    Classes and probabilities are None for a network that reads no class. All is on the CPU.
    """

    latents: Float[Tensor, "batch m"]
    classes: Int64[Tensor, " batch"] | None
    probabilities: Float[Tensor, " batch"] | None


def read(latent_map: LatentMap, logits: Logits | None, images: Float[Tensor, "batch ..."]) -> Reading:
    """Latents, classes and probabilities of images, a few at a time."""
    with torch.no_grad():
        parts = torch.split(images.to(latent_map.device, latent_map.dtype), _BATCH)
        latents = torch.cat([latent_map(part) for part in parts]).cpu()
    return Reading(latents, None, None) if logits is None else Reading(latents, *read_best(latent_map, logits, images))


class Best(NamedTuple):
    """The class that the network reads in each image, and its probability, on the CPU."""

    classes: Int64[Tensor, " batch"]
    probabilities: Float[Tensor, " batch"]


def read_best(latent_map: LatentMap, logits: Logits, images: Float[Tensor, "batch ..."]) -> Best:
    """What the network reads, without its latents."""
    with torch.no_grad():
        parts = torch.split(images.to(latent_map.device, latent_map.dtype), _BATCH)
        best = torch.cat([logits(part) for part in parts]).cpu().softmax(dim=1).max(dim=1)
    return Best(best.indices, best.values)


def read_classes(latent_map: LatentMap, logits: Logits, images: Float[Tensor, "batch ..."]) -> Int64[Tensor, " batch"]:
    """The class that the network reads in each image, on the CPU."""
    with torch.no_grad():
        parts = torch.split(images.to(latent_map.device, latent_map.dtype), _BATCH)
        return torch.cat([logits(part).argmax(dim=1) for part in parts]).cpu()


def relative_distance(
    latents: Float[Tensor, "*batch m"], targets: Float[Tensor, "*batch m"]
) -> Float[Tensor, "*batch"]:
    """``|z - target| / |target|``, the size of a residual that tolerances speak of; NaN where the target is zero."""
    sizes = targets.norm(dim=-1)
    relative: Tensor = (latents - targets).norm(dim=-1) / torch.where(sizes > 0, sizes, torch.nan)
    return relative
