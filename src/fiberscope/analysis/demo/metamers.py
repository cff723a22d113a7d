"""For each digit, the nearest image that has exactly the latent of another digit."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.demo.reading import Reading, read, relative_distance
from fiberscope.analysis.demo.stage import Stage
from fiberscope.moves.nearest import Nearest, nearest
from fiberscope.moves.outcome import Outcome
from fiberscope.problem import Fiber


class Metamers(NamedTuple):
    """An image for each digit that looks like it and has the latent of ``targets``.

    ``residual`` is relative to the target, by a forward pass of the whole network on the finished images.
    ``blindness`` is the distance gone over the distance between the two digits: 0 would be a network that is blind to
    their difference, 1 one that is only satisfied by the other digit itself.
    """

    sources: Float[Tensor, "pair 1 28 28"]
    targets: Float[Tensor, "pair 1 28 28"]
    partner: Int64[Tensor, " pair"]
    points: Float[Tensor, "pair 1 28 28"]
    reading: Reading
    residual: Float[Tensor, " pair"]
    distance: Float[Tensor, " pair"]
    blindness: Float[Tensor, " pair"]
    stationarity: Float[Tensor, " pair"]
    outcome: tuple[Outcome, ...]


def find_metamers(stage: Stage) -> Metamers:
    """Give each digit a partner of another class, and go to the nearest image on the partner's fiber."""
    sources, partner = stage.digits, stage.partner
    targets = sources[partner]
    near = nearer(
        *(nearest(Fiber.through(stage.latent_map, targets), sources, start=start) for start in (sources, targets))
    )
    reading = read(stage.network, near.points)
    apart, gone = ((images - sources).flatten(1).norm(dim=1) for images in (targets, near.points))
    return Metamers(
        sources=sources,
        targets=targets,
        partner=partner,
        points=near.points,
        reading=reading,
        residual=relative_distance(reading.latents, read(stage.network, targets).latents),
        distance=gone,
        blindness=gone / apart,
        stationarity=near.stationarity,
        outcome=near.outcome,
    )


def nearer(one: Nearest, other: Nearest) -> Nearest:
    """Whichever ended nearer, row by row: descent finds local minima, and where it starts decides which."""
    first = one.distance <= other.distance

    def pick(ours: Tensor, theirs: Tensor) -> Tensor:
        return torch.where(first.reshape(-1, *[1] * (ours.ndim - 1)), ours, theirs)

    outcomes = zip(first.tolist(), one.outcome, other.outcome, strict=True)
    return Nearest(
        points=pick(one.points, other.points),
        residual_norm=pick(one.residual_norm, other.residual_norm),
        tolerance=pick(one.tolerance, other.tolerance),
        distance=pick(one.distance, other.distance),
        stationarity=pick(one.stationarity, other.stationarity),
        num_jacobians=one.num_jacobians + other.num_jacobians,
        outcome=tuple(ours if kept else theirs for kept, ours, theirs in outcomes),
    )
