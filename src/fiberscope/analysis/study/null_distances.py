"""Latent distances that a person can judge, from rounding up to a change of class."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fiberscope.analysis.study.reading import relative_distance
from fiberscope.analysis.study.study import Study
from fiberscope.problem import LatentMap

_NUM_IMAGES = 1000
_GREY_LEVEL = 1 / 255
_BATCH = 500


class NullDistances(NamedTuple):
    """Relative latent distances ``|f(x) - f(y)| / |f(y)|`` of pairs of labelled images, by what makes the pair.

    ``grey_level``: one image before and after every pixel went up or down by one of 255 grey levels at random;
    ``rounding``: one image, its latent computed in float32 and in float64, None where the network cannot do both.
    """

    other_class: Float[Tensor, " pairs"]
    same_class: Float[Tensor, " pairs"]
    grey_level: Float[Tensor, " images"]
    rounding: Float[Tensor, " images"] | None


def measure_null(study: Study) -> NullDistances:
    """Compare each labelled image with a random one, and a thousand with themselves under noise and rounding."""
    generator, labels, latents = study.rng(), study.data.labels, study.data_reading.latents
    shuffled = torch.randperm(len(labels), generator=generator)
    # Neighbours in a shuffled list are random pairs; where it is also sorted by class, random pairs within a class.
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    images, those = study.data.images[shuffled[:_NUM_IMAGES]], latents[shuffled[:_NUM_IMAGES]]
    signs = 2.0 * torch.randint(2, images.shape, generator=generator) - 1
    noisy = study.read((images + _GREY_LEVEL * signs).clamp(0, 1)).latents
    return NullDistances(
        other_class=_neighbours(latents[shuffled], labels[shuffled].diff() != 0),
        same_class=_neighbours(latents[by_class], labels[by_class].diff() == 0),
        grey_level=relative_distance(noisy, those),
        rounding=_rounding(study.latent_map, images, those),
    )


def _neighbours(latents: Float[Tensor, "image m"], wanted: Bool[Tensor, " pair"]) -> Float[Tensor, " pairs"]:
    return relative_distance(latents[1:], latents[:-1])[wanted]


def _rounding(
    latent_map: LatentMap, images: Float[Tensor, "image ..."], latents: Float[Tensor, "image m"]
) -> Float[Tensor, " image"] | None:
    if latent_map.dtype != torch.float32 or not isinstance(latent_map.model, nn.Module):
        return None
    exact = deepcopy(latent_map.model).cpu().double()
    try:
        with torch.no_grad():
            finer = torch.cat([exact(part) for part in torch.split(images.double(), _BATCH)])
    except RuntimeError:
        # A network that makes tensors of its own in float32 cannot be asked in float64.
        return None
    return relative_distance(latents.double(), finer)
