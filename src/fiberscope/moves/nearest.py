"""The image on a fiber that is nearest to a given image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.moves.descent import descend
from fiberscope.moves.diagnosis import diagnose
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.setup import set_up
from fiberscope.problem import Fiber, Tube


class Nearest(NamedTuple):
    """For each row a point on the fiber, as near to its image as descent could bring it.

    ``distance`` is Euclidean over the coordinates. ``stationarity`` is ``|P_cone (y - x)| / |y - x|`` for image y and
    point x, NaN off the fiber: 0 at a smooth local minimum; on a piecewise-linear network minima sit on kinks, where
    it stays above.
    """

    points: Float[Tensor, "batch ..."]
    residual_norm: Float[Tensor, " batch"]
    tolerance: Float[Tensor, " batch"]
    distance: Float[Tensor, " batch"]
    stationarity: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]
    outcome: tuple[Outcome, ...]

    def raise_if_failed(self) -> Nearest:
        """The result itself; raises `MoveFailedError` with the advice for the rows that failed."""
        raise_if_failed(self.outcome)
        return self


def nearest(
    fiber: Fiber | Tube,
    images: Float[Tensor, "batch ..."],
    *,
    start: Float[Tensor, "batch ..."] | None = None,
    frozen: Bool[Tensor, "..."] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    num_steps: int = 30,
    gtol: float = 1e-2,
) -> Nearest:
    """Minimise ``|x - image|`` over the fiber, row by row: project, then descend along the fiber.

    A row stops at stationarity ``gtol``, when its steps have shrunk to nothing, or after ``num_steps``; `descend` says
    how it steps. ``start`` replaces the images as where to look first; pixels under
    ``frozen`` keep the value that they have there. The minimum is local.

    References:
        Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix Manifolds, chapter 4.
        Nocedal and Wright (2006), Numerical Optimization, chapter 18.
    """
    latent_map = fiber.latent_map
    goals = set_up(fiber, images, frozen=None, rtol=rtol, atol=atol).rows
    rows, task, tolerance = set_up(fiber, images if start is None else start, frozen=frozen, rtol=rtol, atol=atol)
    found = descend(latent_map, rows, task, _Attraction(goals), num_steps=num_steps, gtol=gtol)
    norm = fiber.residual(found.rows).norm(dim=1)
    outcome = diagnose(latent_map, found.rows, norm, tolerance, task)
    distance = (found.rows - goals).norm(dim=1)
    points = latent_map.unflatten(found.rows)
    return Nearest(points, norm, tolerance, distance, found.stationarity, found.num_jacobians, outcome)


class _Attraction(NamedTuple):
    """Distance to a goal, one a group."""

    goals: Float[Tensor, "batch n"]

    def value(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, " group"]:
        distance: Tensor = torch.linalg.vector_norm(self.goals[groups] - rows[:, 0], dim=1)
        return distance

    def wish(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, "group 1 n"]:
        return self.goals[groups][:, None] - rows
