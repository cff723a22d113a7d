"""The invariance range: how far a variation goes before the network takes notice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.problem import Box, LatentMap
from fiberscope.problem.modes import undisturbed
from fiberscope.variations.response import Predict, check_inputs, classes_of, distance_from
from fiberscope.variations.variation import Variation, bounds_of

Event = Callable[[Tensor, Tensor], Tensor]
Vary = Callable[[Tensor, Tensor], Tensor]

_HALVINGS = 16


class Reach(NamedTuple):
    """Amounts below and above 0 at which something happens first, for each image.

    Minus or plus infinity: it does not happen within the range tried. NaN: the variation does not go that way.
    """

    low: Float[Tensor, " batch"]
    high: Float[Tensor, " batch"]


class InvarianceRange(NamedTuple):
    """How far each image goes until its latent is a within-class median away, and until its class changes."""

    distance: Reach
    label: Reach | None


@undisturbed
def invariance_range(
    latent_map: LatentMap,
    images: Float[Tensor, "batch ..."],
    variation: Variation,
    *,
    scale: float,
    predict: Predict | None = None,
    per_side: int = 8,
    box: Box | None = None,
) -> InvarianceRange:
    """First amounts, each way from 0, where the latent is farther than ``scale`` and where the class is another.

    Each is bracketed on a grid of ``per_side`` steps and bisected; an excursion that returns between two steps of the
    grid is missed.
    """
    check_inputs(latent_map, images, scale, box)
    variation.check(images)
    images = images.detach()
    lower, upper = bounds_of(images, box)

    def vary(rows: Int[Tensor, " some"], amounts: Float[Tensor, " some"]) -> Float[Tensor, "some ..."]:
        return variation.changed(images[rows], amounts.to(images)).maximum(lower).minimum(upper)

    def far(varied: Float[Tensor, "some ..."], rows: Int[Tensor, " some"]) -> Bool[Tensor, " some"]:
        return distance_from(latents[rows], latent_map(varied)) > scale

    with torch.no_grad():
        latents = latent_map(images)
        events: list[Event] = [far]
        if predict is not None:
            own = classes_of(predict, images)
            events.append(lambda varied, rows: classes_of(predict, varied) != own[rows])
        grid, everyone = variation.grid(per_side), torch.arange(len(images), device=images.device)
        down = _first([a for a in reversed(grid) if a < 0], -math.inf, events, vary, everyone)
        up = _first([a for a in grid if a > 0], math.inf, events, vary, everyone)
    reaches = [Reach(low.to(images), high.to(images)) for low, high in zip(down, up, strict=True)]
    return InvarianceRange(reaches[0], reaches[1] if predict is not None else None)


def _first(
    steps: Sequence[float], end: float, events: Sequence[Event], vary: Vary, everyone: Int[Tensor, " batch"]
) -> list[Float[Tensor, " batch"]]:
    """For each event the least amount at which it has happened: outward step by step, then by bisection."""
    if not steps:
        return [torch.full(everyone.shape, math.nan) for _ in events]
    happened: list[list[Tensor]] = [[] for _ in events]
    for step in steps:
        varied = vary(everyone, torch.full(everyone.shape, step, device=everyone.device))
        for event, record in zip(events, happened, strict=True):
            record.append(event(varied, everyone))
    return [
        _bisect(torch.stack(record), steps, end, event, vary) for event, record in zip(events, happened, strict=True)
    ]


def _bisect(
    happened: Bool[Tensor, "step batch"], steps: Sequence[float], end: float, event: Event, vary: Vary
) -> Float[Tensor, " batch"]:
    """Narrow the first step in which it happened, for the rows in which it did; ``end`` for the others."""
    rows = happened.any(dim=0).nonzero()[:, 0]
    place = happened[:, rows].int().argmax(dim=0).cpu()
    bounds = torch.tensor([0.0, *steps], dtype=torch.float64)
    inner, outer = bounds[place], bounds[place + 1]
    for _ in range(_HALVINGS if len(rows) else 0):
        middle = (inner + outer) / 2
        here = event(vary(rows, middle), rows).cpu()
        inner, outer = torch.where(here, inner, middle), torch.where(here, middle, outer)
    first = torch.full(happened.shape[1:], end, dtype=torch.float64)
    first[rows.cpu()] = outer
    return first
