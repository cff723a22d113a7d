"""How well a network knows people again, and how well it still does along each variation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.faces.statistics import auc
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.variations import Variation


class Verified(NamedTuple):
    """For each person under study, of one picture of theirs against all other pictures.

    ``area`` is the area under the ROC curve; ``accepted`` the share of their own pictures above the study's threshold,
    ``false`` that of other people's; ``first`` whether the most alike of all pictures is of the same person.
    """

    area: Float[Tensor, " person"]
    accepted: Float[Tensor, " person"]
    false: Float[Tensor, " person"]
    first: Float[Tensor, " person"]


def verify(study: FaceStudy, images: Float[Tensor, "person c h w"]) -> Verified:
    """Compare a picture of each person under study, changed or not, with all pictures but the one that it was."""
    unit = torch.nn.functional.normalize(study.embed(images), dim=1)
    known = torch.nn.functional.normalize(study.latents, dim=1)
    alike, labels = unit @ known.T, study.faces.labels
    rows = [
        _verify_one(alike[row], labels == person, int(place), study.threshold)
        for row, (person, place) in enumerate(zip(study.people, study.places, strict=True))
    ]
    return Verified(*(torch.tensor(column) for column in zip(*rows, strict=True)))


def _verify_one(
    alike: Float[Tensor, " image"], own: Bool[Tensor, " image"], place: int, threshold: float
) -> tuple[float, float, float, float]:
    same = own.clone()
    same[place] = False
    others = alike[~own]
    best = torch.where(same | ~own, alike, -torch.inf).argmax()
    return (
        auc(alike[same], others),
        float((alike[same] > threshold).double().mean()),
        float((others > threshold).double().mean()),
        float(own[best]),
    )


class Along(NamedTuple):
    """A variation's amounts, and what verification finds at each of them."""

    variation: Variation
    amounts: tuple[float, ...]
    verified: tuple[Verified, ...]


def verify_along(study: FaceStudy, variation: Variation, *, per_side: int) -> Along:
    """Verify pictures changed by amounts over the variation's range, clipped to the box."""
    amounts = variation.grid(per_side)
    images = variation.orbit(study.probes, torch.tensor(amounts)).images
    return Along(variation, amounts, tuple(verify(study, varied) for varied in images))
