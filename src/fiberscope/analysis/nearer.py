"""The nearest image on a fiber, sought from both ends: descent finds local minima, and its start decides which."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.moves.nearest import Nearest, nearest
from fiberscope.problem import Fiber, Tube


def nearest_of_two(
    fiber: Fiber | Tube, images: Float[Tensor, "batch ..."], others: Float[Tensor, "batch ..."]
) -> Nearest:
    """Search from the images themselves and from the others, which lie on the fiber; keep the nearer, row by row."""
    return nearer(*(nearest(fiber, images, start=start) for start in (images, others)))


def nearer(one: Nearest, other: Nearest) -> Nearest:
    """Whichever ended nearer, row by row; a search that failed is kept only where both did."""
    arrived, also = (each.residual_norm <= each.tolerance for each in (one, other))
    first = torch.where(arrived == also, one.distance <= other.distance, arrived)

    def pick(ours: Tensor, theirs: Tensor) -> Tensor:
        return torch.where(first.reshape(-1, *[1] * (ours.ndim - 1)), ours, theirs)

    outcomes = zip(first.tolist(), one.outcome, other.outcome, strict=True)
    return Nearest(
        points=pick(one.points, other.points),
        residual_norm=pick(one.residual_norm, other.residual_norm),
        tolerance=pick(one.tolerance, other.tolerance),
        distance=pick(one.distance, other.distance),
        stationarity=pick(one.stationarity, other.stationarity),
        slope=pick(one.slope, other.slope),
        method=one.method,
        num_jacobians=one.num_jacobians + other.num_jacobians,
        outcome=tuple(ours if kept else theirs for kept, ours, theirs in outcomes),
    )
