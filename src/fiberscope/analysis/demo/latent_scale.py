"""When is a match a match? Latent distances that a person can judge, from rounding up to a change of class."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.demo.reading import relative_distance
from fiberscope.analysis.demo.stage import Stage

_NUM_IMAGES = 1000


class LatentScale(NamedTuple):
    """Relative latent distances ``|f(x) - f(y)| / |f(y)|`` of pairs of images, by what makes the pair.

    ``grey_level``: one image before and after every pixel went up or down by one of 255 grey levels at random;
    ``rounding``: one image, its latent computed in float32 and in float64.
    """

    other_class: Float[Tensor, " pairs"]
    same_class: Float[Tensor, " pairs"]
    grey_level: Float[Tensor, " images"]
    rounding: Float[Tensor, " images"]


def measure_scale(stage: Stage) -> LatentScale:
    """Compare each test image with a random one, and a thousand of them with themselves under noise and rounding."""
    generator = stage.generator()
    labels, latents = stage.test.labels, stage.reading.latents
    shuffled = torch.randperm(len(labels), generator=generator)
    # Neighbours in a shuffled list are random pairs; where it is also sorted by class, random pairs within a class.
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    images, those = stage.test.images[shuffled[:_NUM_IMAGES]], latents[shuffled[:_NUM_IMAGES]]
    signs = 2.0 * torch.randint(2, images.shape, generator=generator) - 1
    with torch.no_grad():
        noisy = stage.network.encoder((images + signs / 255).clamp(0, 1))
        exact = deepcopy(stage.network.encoder).double()(images.double())
    return LatentScale(
        other_class=_neighbours(latents[shuffled], labels[shuffled].diff() != 0),
        same_class=_neighbours(latents[by_class], labels[by_class].diff() == 0),
        grey_level=relative_distance(noisy, those),
        rounding=relative_distance(those.double(), exact),
    )


def _neighbours(latents: Float[Tensor, "image m"], wanted: Tensor) -> Float[Tensor, " pairs"]:
    return relative_distance(latents[1:], latents[:-1])[wanted]
