"""The image on a fiber that is nearest to a given image."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.differentiate import Method, differentiate, method_for
from fiberscope.moves.arguments import check_count, check_share
from fiberscope.moves.corrector import correct
from fiberscope.moves.descent import descend
from fiberscope.moves.measure import Measure
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.predictor import feasible_direction
from fiberscope.moves.setup import set_up
from fiberscope.moves.task import Task
from fiberscope.moves.verdict import judge
from fiberscope.problem import Fiber, LatentMap, Tube
from fiberscope.problem.modes import undisturbed

_LOOK = 0.02  # of the distance that the slope is measured over
_MOVED = 1e-3  # of that way: what is shorter came of rounding
_CORRECTOR_STEPS = 20


class Nearest(NamedTuple):
    """For each row a point on the fiber, as near to its image as descent could bring it.

    ``distance`` is Euclidean, over the coordinates or over what ``measure`` makes of them. ``stationarity`` is
    ``|P_cone (y - x)| / |y - x|`` for image y and point x, NaN off the fiber: 0 at a smooth local minimum; on a
    piecewise-linear network minima sit on kinks, where it stays above, since it knows one linear piece only. ``slope``
    asks the network itself: how much nearer to y one comes per unit of way, going a fiftieth of the distance along the
    fiber toward y; way and distance as the measure sees them. Where nothing nearer is there it is zero or below, on
    kinks too; for a smooth network it is the stationarity, less what the bending takes. NaN off the fiber, and where
    the corrector did not get back to it from there.

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
    surrogate_gradient: bool = False

    def raise_if_failed(self) -> Nearest:
        """The result itself; raises `MoveFailedError` with the advice for the rows that failed."""
        raise_if_failed(self.outcome)
        return self


@undisturbed
def nearest(  # noqa: PLR0913  (all but two are options)
    fiber: Fiber | Tube,
    images: Float[Tensor, "batch ..."],
    *,
    start: Float[Tensor, "batch ..."] | None = None,
    measure: Callable[[Float[Tensor, "batch ..."]], Float[Tensor, "batch ..."]] | None = None,
    frozen: Bool[Tensor, "..."] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    num_steps: int = 40,
    gtol: float = 1e-2,
) -> Nearest:
    """Minimise ``|measure(x) - measure(image)|`` over the fiber, row by row, from the image itself.

    ``measure`` maps points, in the user's shape, to what is compared: by default the points themselves; for a fiber in
    generator coordinates the decoder, so that distance is in pixels.
    `descend` says how: ``num_steps`` gliding steps, a Jacobian each, and at most as many that settle, until
    stationarity is below ``gtol`` or nothing is gained. ``start`` replaces the images as where to look
    first; pixels under ``frozen`` keep the value that they have there. The minimum is local.

    References:
        Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix Manifolds, chapter 4.
        Nocedal and Wright (2006), Numerical Optimization, chapter 18.
    """
    check_count("num_steps", num_steps, least=0)
    check_share("gtol", gtol)
    goals = set_up(fiber, images, frozen=None, rtol=rtol, atol=atol).rows
    rows, task, tolerance = set_up(fiber, images if start is None else start, frozen=frozen, rtol=rtol, atol=atol)
    latent_map = fiber.latent_map
    compared = Measure(latent_map, measure)
    toward = _Attraction(compared(goals), compared)
    found = descend(latent_map, rows, task, toward, num_steps=num_steps, gtol=gtol)
    rows, norm, outcome = judge(latent_map, found.rows, task, tolerance)
    distance = toward.value(rows[:, None], torch.arange(len(rows), device=rows.device))
    points = latent_map.unflatten(rows)
    slope, cost = _slope(latent_map, rows, task, toward)
    jacobians = found.num_jacobians + cost
    return Nearest(
        points,
        norm,
        tolerance,
        distance,
        found.stationarity,
        slope,
        jacobians,
        outcome,
        method_for(latent_map),
        latent_map.surrogate_gradient,
    )


def _slope(
    latent_map: LatentMap, rows: Float[Tensor, "batch n"], task: Task, toward: _Attraction
) -> tuple[Float[Tensor, " batch"], Int[Tensor, " batch"]]:
    """Distance gained per unit of way, and the Jacobians that it took; NaN where no way was found, or off the fiber."""
    everywhere = torch.arange(len(rows), device=rows.device)
    latents, differential = differentiate(latent_map, rows)
    way = toward.wish(rows[:, None], everywhere)[:, 0]
    ahead = feasible_direction(task, rows, latents, differential, way)
    length = _LOOK * way.norm(dim=1)
    trial = (rows + length[:, None] * torch.nn.functional.normalize(ahead, dim=1)).maximum(task.lower)
    trial = trial.minimum(task.upper)
    back = correct(latent_map, trial, task, num_steps=_CORRECTOR_STEPS, model=differential)
    before, after = (toward.value(each[:, None], everywhere) for each in (rows, back.rows))
    slope = (before - after) / toward.apart(rows, back.rows)
    there = task.arrived(task.excess(latents).norm(dim=1)) & (back.residual_norm <= task.tolerance)
    # Nowhere to go, or already there: nothing is nearer.
    went = (back.rows - rows).norm(dim=1) > _MOVED * length
    return torch.where(there, torch.where(went, slope, 0.0), torch.nan), back.num_jacobians + 1


class _Attraction(NamedTuple):
    """Distance to a goal in the measure, one a group; ``goals`` are what the measure sees of them."""

    goals: Float[Tensor, "batch p"]
    measure: Measure

    def value(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, " group"]:
        distance: Tensor = torch.linalg.vector_norm(self.goals[groups] - self.measure(rows[:, 0]), dim=1)
        return distance

    def wish(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, "group 1 n"]:
        """All of the way to the goal; through a measure, the Cauchy step of the squared distance."""
        missing = self.goals[groups] - self.measure(rows[:, 0])
        if self.measure.function is None:
            return missing[:, None]
        gradient = self.measure.pull_back(rows[:, 0], missing)
        unit = torch.nn.functional.normalize(gradient, dim=1)
        # How far the measure moves along the gradient, by a difference: the measure need not be differentiated twice.
        span = torch.finfo(rows.dtype).eps ** (1 / 3) * (1 + rows[:, 0].norm(dim=1, keepdim=True))
        rate = self.apart(rows[:, 0] - span * unit, rows[:, 0] + span * unit)[:, None] / (2 * span)
        wished: Tensor = gradient / rate.square().clamp_min(torch.finfo(rows.dtype).tiny ** 0.5)
        return wished[:, None]

    def apart(self, first: Float[Tensor, "batch n"], second: Float[Tensor, "batch n"]) -> Float[Tensor, " batch"]:
        """How far the measure sees two points from each other."""
        distance: Tensor = torch.linalg.vector_norm(self.measure(first) - self.measure(second), dim=1)
        return distance
