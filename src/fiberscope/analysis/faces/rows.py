"""Rows of one embedding: pictures under changed light and pose, and what of it is left once the embedding is back."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.faces.priors import Prior
from fiberscope.analysis.faces.searches import bring_each
from fiberscope.analysis.faces.statistics import Estimate, over_people
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.problem import FiberscopeError

WAYS = (
    ("light azimuth", -40.0, "light from the left"),
    ("light azimuth", 40.0, "light from the right"),
    ("yaw", -10.0, "turned left"),
    ("yaw", 10.0, "turned right"),
    ("light elevation", 35.0, "light from above"),
    ("pitch", 8.0, "lowered"),
    ("pitch", -8.0, "raised"),
    ("expression", 2.5, "expression"),
)


class Changed(NamedTuple):
    """Pictures, a row each, under changes of light and pose; ``moved`` is how far the embedding goes, of its size."""

    people: list[int]
    words: list[str]
    targets: Float[Tensor, "row c h w"]
    images: Float[Tensor, "row member c h w"]
    moved: Float[Tensor, "row member"]


class Rows(NamedTuple):
    """The changed pictures brought to the embeddings of the pictures that they were, under one prior.

    ``residual`` is how far off the finished image is, of the embedding's size. What differs from the picture, in
    pixels, is a multiple ``kept`` of the change (1 for all of it; more where it was overdone) and what stands at right
    angles to it, ``beside``, of the size of the change. ``distance`` is both together, of the picture's size.
    """

    prior: Prior
    changed: Changed
    images: Float[Tensor, "row member c h w"]
    residual: Float[Tensor, "row member"]
    kept: Float[Tensor, "row member"]
    beside: Float[Tensor, "row member"]
    distance: Float[Tensor, "row member"]
    reached: Bool[Tensor, "row member"]

    @property
    def arrived(self) -> str:
        """How many of how many are on the fiber, in words."""
        return f"{int(self.reached.sum())} of {self.reached.numel()}"

    def usual(self, values: Float[Tensor, "row member"]) -> Estimate:
        """The median over people of the mean over their faces on the fiber: faces of one person are alike."""
        return over_people(torch.where(self.reached, values, torch.nan).nanmean(dim=1), of="median")


def draw_changed(study: FaceStudy) -> Changed:
    """Draw people, and change their pictures in so many ways as a row has members."""
    count = min(study.num_rows, len(study.people))
    people = torch.randperm(len(study.people), generator=study.rng())[:count].tolist()
    targets, ways = study.probes[people], _ways(study)
    named = {variation.name: variation for variation in study.variations}
    images = torch.stack(
        [named[name].orbit(targets, torch.tensor([amount])).images[0] for name, amount, _ in ways], dim=1
    )
    goals = study.embed(targets)
    latents = torch.unflatten(study.embed(images.flatten(0, 1)), 0, (count, len(ways)))
    moved = (latents - goals[:, None]).norm(dim=2) / goals.norm(dim=1)[:, None]
    return Changed(people, [words for _, _, words in ways], targets, images, moved)


def bring_rows(study: FaceStudy, changed: Changed, prior: Prior) -> Rows:
    """Bring each changed picture to the embedding of the one that it was."""
    places = changed.moved.shape
    aims = changed.targets.repeat_interleave(places[1], dim=0)
    found = bring_each(study, prior, changed.images.flatten(0, 1), aims, question="rows")
    images = torch.unflatten(found.images, 0, places)
    pictures = changed.targets[:, None]
    change, gone = ((each - pictures).flatten(2) for each in (changed.images, images))
    kept = (gone * change).sum(dim=2) / change.square().sum(dim=2)
    return Rows(
        prior,
        changed,
        images,
        found.residual.view(places),
        kept,
        (gone - kept[..., None] * change).norm(dim=2) / change.norm(dim=2),
        gone.norm(dim=2) / pictures.flatten(2).norm(dim=2),
        found.reached.view(places),
    )


def _ways(study: FaceStudy) -> list[tuple[str, float, str]]:
    known = {variation.name for variation in study.variations}
    ways = [way for way in WAYS if way[0] in known][: min(study.members, len(WAYS))]
    if not ways:
        raise FiberscopeError("variations: none of those that rows are made of; take them from face_variations(shape).")
    return ways
