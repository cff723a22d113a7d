"""Pairs of people brought to one embedding: the search, and whom judges see in what it found."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from fiberscope.analysis.faces.priors import Prior
from fiberscope.analysis.faces.searches import bring_each
from fiberscope.analysis.faces.statistics import Estimate, over_people
from fiberscope.analysis.faces.study import FaceStudy


class Met(NamedTuple):
    """Pictures of one person brought onto the fiber of another, pair by pair, under one prior.

    ``blindness`` is the distance gone, in pixels, over the distance between the two pictures; ``cosine`` that of the
    result with the target; ``judged`` holds for each judge who it sees.
    """

    prior: Prior
    images: Float[Tensor, "pair c h w"]
    residual: Float[Tensor, " pair"]
    cosine: Float[Tensor, " pair"]
    blindness: Float[Tensor, " pair"]
    reached: Bool[Tensor, " pair"]
    judged: dict[str, list[int]]


def draw_pairs(study: FaceStudy) -> tuple[Tensor, Tensor]:
    """Random pairs of people under study: each is first once, before anyone is first again."""
    count = len(study.people)
    order = torch.randperm(count, generator=study.rng())
    rounds = [(order, order.roll(-1 - shift)) for shift in range(-(-study.num_pairs // count))]
    first, second = (torch.cat([each[i] for each in rounds])[: study.num_pairs] for i in (0, 1))
    return first, second


def meet(study: FaceStudy, prior: Prior, images: Float[Tensor, "pair c h w"], aims: Float[Tensor, "pair c h w"]) -> Met:
    """Bring each image to the embedding of its aim."""
    found = bring_each(study, prior, images, aims, question="pairs", num_steps=study.num_steps)
    gone, apart = ((other - images).flatten(1).norm(dim=1) for other in (found.images, aims))
    return Met(
        prior,
        found.images,
        found.residual,
        torch.nn.functional.cosine_similarity(study.embed(found.images), study.embed(aims)),
        gone / apart,
        found.reached,
        {judge.name: judge.read(found.images).tolist() for judge in study.judges},
    )


class Counts(NamedTuple):
    """Of the pairs on the fiber: how many of how many, how far they went, and whom judges see, by judge and pooled."""

    arrived: int
    asked: int
    blindness: Estimate
    first: Estimate
    second: Estimate
    first_by_judge: dict[str, float]

    @property
    def reached(self) -> str:
        """How many of how many, in words."""
        return f"{self.arrived} of {self.asked}"


def count_met(met: Met, sources: Int64[Tensor, " pair"], targets: Int64[Tensor, " pair"]) -> Counts:
    """Count what came of the pairs of these people; shares are of the pairs on the fiber alone."""
    there = met.reached
    said = torch.tensor(list(met.judged.values()))[:, there]
    first, second = ((said == person[there]).double() for person in (sources, targets))
    return Counts(
        int(there.sum()),
        len(there),
        over_people(met.blindness[there], of="median"),
        over_people(first.mean(dim=0)),
        over_people(second.mean(dim=0)),
        dict(zip(met.judged, first.mean(dim=1).tolist(), strict=True)),
    )
