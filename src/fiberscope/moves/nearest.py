"""The image on a fiber that is nearest to a given image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.differentiate import Method, differentiate, method_for
from fiberscope.moves.corrector import correct
from fiberscope.moves.descent import descend
from fiberscope.moves.diagnosis import diagnose
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.predictor import feasible_direction
from fiberscope.moves.setup import set_up
from fiberscope.moves.task import Task
from fiberscope.problem import Fiber, LatentMap, Tube

_LOOK = 0.02  # of the distance that the slope is measured over
_MOVED = 1e-3  # of that way: what is shorter came of rounding
_CORRECTOR_STEPS = 20


class Nearest(NamedTuple):
    """For each row a point on the fiber, as near to its image as descent could bring it.

    ``distance`` is Euclidean over the coordinates. ``stationarity`` is ``|P_cone (y - x)| / |y - x|`` for image y and
    point x, NaN off the fiber: 0 at a smooth local minimum; on a piecewise-linear network minima sit on kinks, where
    it stays above, since it knows one linear piece only. ``slope`` asks the network itself: how much nearer to y one
    comes per unit of way, going a fiftieth of the distance along the fiber toward y. Where nothing nearer is there it
    is zero or below, on kinks too; for a smooth network it is the stationarity, less what the bending takes. NaN
    off the fiber, and where the corrector did not get back to it from there.

    References:
        Ioffe (2017), Variational Analysis of Regular Mappings, section 3.1 (the slope of De Giorgi).
    """

    points: Float[Tensor, "batch ..."]
    residual_norm: Float[Tensor, " batch"]
    tolerance: Float[Tensor, " batch"]
    distance: Float[Tensor, " batch"]
    stationarity: Float[Tensor, " batch"]
    slope: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]
    outcome: tuple[Outcome, ...]
    method: Method

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
    num_steps: int = 40,
    gtol: float = 1e-2,
) -> Nearest:
    """Minimise ``|x - image|`` over the fiber, row by row, from the image itself.

    `descend` says how: ``num_steps`` gliding steps, a Jacobian each, and at most as many that settle, until
    stationarity is below ``gtol`` or nothing is gained. ``start`` replaces the images as where to look
    first; pixels under ``frozen`` keep the value that they have there. The minimum is local.

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
    slope, cost = _slope(latent_map, found.rows, goals, task)
    jacobians = found.num_jacobians + cost
    return Nearest(
        points, norm, tolerance, distance, found.stationarity, slope, jacobians, outcome, method_for(latent_map)
    )


def _slope(
    latent_map: LatentMap, rows: Float[Tensor, "batch n"], goals: Float[Tensor, "batch n"], task: Task
) -> tuple[Float[Tensor, " batch"], Int[Tensor, " batch"]]:
    """Distance gained per unit of way, and the Jacobians that it took; NaN where no way was found, or off the fiber."""
    latents, differential = differentiate(latent_map, rows)
    way = goals - rows
    distance = way.norm(dim=1)
    ahead = feasible_direction(task, rows, latents, differential, way)
    step = _LOOK * distance[:, None] * torch.nn.functional.normalize(ahead, dim=1)
    trial = (rows + step).maximum(task.lower).minimum(task.upper)
    back = correct(latent_map, trial, task, num_steps=_CORRECTOR_STEPS, model=differential)
    gone = (back.rows - rows).norm(dim=1)
    slope = (distance - (goals - back.rows).norm(dim=1)) / gone
    there = task.arrived(task.excess(latents).norm(dim=1)) & (back.residual_norm <= task.tolerance)
    # Nowhere to go, or already there: nothing is nearer.
    went = gone > _MOVED * _LOOK * distance
    return torch.where(there, torch.where(went, slope, 0.0), torch.nan), back.num_jacobians + 1


class _Attraction(NamedTuple):
    """Distance to a goal, one a group."""

    goals: Float[Tensor, "batch n"]

    def value(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, " group"]:
        distance: Tensor = torch.linalg.vector_norm(self.goals[groups] - rows[:, 0], dim=1)
        return distance

    def wish(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, "group 1 n"]:
        return self.goals[groups][:, None] - rows
