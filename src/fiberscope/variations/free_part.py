"""The free part of a variation: how much of it can be had without any change of latent."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.moves.nearest import Nearest, nearest
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.problem import Fiber, FiberscopeError
from fiberscope.problem.modes import undisturbed
from fiberscope.variations.variation import Variation, rounding_of


class FreePart(NamedTuple):
    """For each image x its variation ``T_a x`` in the box, and the image nearest to it that was found on x's fiber.

    ``gave_way`` is the distance between the two; ``relative`` divides it by ``|T_a x - x|``: 0 where all of the
    variation is free, 1 where none is, NaN where the variation changes nothing
    beyond rounding.
    """

    varied: Float[Tensor, "batch ..."]
    points: Float[Tensor, "batch ..."]
    gave_way: Float[Tensor, " batch"]
    relative: Float[Tensor, " batch"]
    residual_norm: Float[Tensor, " batch"]
    tolerance: Float[Tensor, " batch"]
    outcome: tuple[Outcome, ...]

    def raise_if_failed(self) -> FreePart:
        """The result itself; raises `MoveFailedError` with the advice for the rows that failed."""
        raise_if_failed(self.outcome)
        return self


@undisturbed
def free_part(
    fiber: Fiber,
    images: Float[Tensor, "batch ..."],
    variation: Variation,
    amount: float,
    *,
    rtol: float | None = None,
    num_steps: int = 30,
) -> FreePart:
    """`give_way` toward ``T_a x``, in the box. Raises `FiberscopeError` for amount 0."""
    if amount == 0:
        raise FiberscopeError(
            f"amount: 0 changes nothing. Give an amount between {variation.low} and {variation.high}."
        )
    images = fiber.latent_map.check_images(images).detach()
    varied = variation.orbit(images, torch.tensor([amount], dtype=images.dtype), box=fiber.box).images[0]
    return give_way(fiber, images, varied, rtol=rtol, num_steps=num_steps)


@undisturbed
def give_way(
    fiber: Fiber,
    images: Float[Tensor, "batch ..."],
    varied: Float[Tensor, "batch ..."],
    *,
    rtol: float | None = None,
    num_steps: int = 30,
) -> FreePart:
    """Descend along the fiber to each varied image, starting there; rows left farther than x is start again at x.

    ``varied`` are images x changed in any way, and many rows at once cost much less than many calls. From x the
    distance can only shrink, so that ``relative`` is at most 1 for images on their fiber, such as those of
    ``Fiber.through``. The minimum is local: that more of the variation is free remains possible.
    """
    images = fiber.latent_map.check_images(images).detach()
    varied = fiber.latent_map.check_images(varied).detach()
    if len(varied) != len(images):
        raise FiberscopeError(f"varied: {len(varied)} images for {len(images)}. Give one for each.")
    whole = (varied - images).flatten(1).norm(dim=1)
    found = nearest(fiber, varied, rtol=rtol, num_steps=num_steps)
    again = ((found.residual_norm > found.tolerance) | (found.distance > whole)).nonzero()[:, 0]
    if again.numel():
        own = replace(fiber, target=fiber.targets(len(images))[again])
        other = nearest(own, varied[again], start=images[again], rtol=rtol, num_steps=num_steps)
        found = _replaced(found, again, other)
    relative = torch.where(whole > rounding_of(images), found.distance / whole, torch.nan)
    return FreePart(varied, found.points, found.distance, relative, found.residual_norm, found.tolerance, found.outcome)


def _replaced(found: Nearest, rows: Int[Tensor, " again"], other: Nearest) -> Nearest:
    """What was found from the other start, where that is on the fiber."""
    better = other.residual_norm <= other.tolerance
    rows, source = rows[better], better.nonzero()[:, 0]
    points, distance, residual_norm = found.points.clone(), found.distance.clone(), found.residual_norm.clone()
    points[rows], distance[rows] = other.points[source], other.distance[source]
    residual_norm[rows] = other.residual_norm[source]
    outcome = list(found.outcome)
    for row, place in zip(rows.tolist(), source.tolist(), strict=True):
        outcome[row] = other.outcome[place]
    return found._replace(points=points, distance=distance, residual_norm=residual_norm, outcome=tuple(outcome))
