"""The image on a fiber that is nearest to a given image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.box_step import box_step
from fiberscope.geometry.cone import project_cone
from fiberscope.geometry.jacobian import linearise
from fiberscope.moves.corrector import Task, correct
from fiberscope.moves.diagnosis import diagnose
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.project import reach
from fiberscope.moves.setup import set_up
from fiberscope.problem import Fiber, LatentMap

_FIRST_SHARE = 0.2  # of the way to the linearised optimum that the first descent step goes
_LEAST_SHARE = 1e-3
_CORRECTOR_STEPS = 8


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


class _Descent(NamedTuple):
    rows: Float[Tensor, "batch n"]
    share: Float[Tensor, " batch"]
    stationarity: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]


def nearest(
    fiber: Fiber,
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

    A descent step goes a share of the way to the nearest point of the linearised fiber in the box, and the corrector
    brings it back; it is kept if it is on the fiber and nearer. A row stops at stationarity ``gtol``, when its share
    has shrunk to nothing, or after ``num_steps``. ``start`` replaces the images as where to look first; pixels under
    ``frozen`` keep the value that they have there. The minimum is local.

    References:
        Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix Manifolds, chapter 4.
        Nocedal and Wright (2006), Numerical Optimization, chapter 18.
    """
    latent_map = fiber.latent_map
    goals = set_up(fiber, images, frozen=None, rtol=rtol, atol=atol).rows
    rows, task, tolerance = set_up(fiber, images if start is None else start, frozen=frozen, rtol=rtol, atol=atol)
    found = reach(latent_map, rows, task, num_steps=60, num_restarts=12)
    state = _Descent(
        found.rows,
        torch.full_like(tolerance, _FIRST_SHARE),
        torch.full_like(tolerance, torch.nan),
        found.num_jacobians,
    )
    live = (found.residual_norm <= tolerance).nonzero()[:, 0]
    for _ in range(num_steps):
        if live.numel() == 0:
            break
        _descend(latent_map, goals, task, state, live)
        going = (state.stationarity[live] > gtol) & (state.share[live] > _LEAST_SHARE)
        live = live[going]
    return _pack(fiber, goals, task, tolerance, state)


def _descend(
    latent_map: LatentMap, goals: Float[Tensor, "batch n"], task: Task, state: _Descent, live: Int[Tensor, " live"]
) -> None:
    """One step for the live rows, in place."""
    here, rows, share, way = task.take(live), state.rows[live], state.share[live], goals[live] - state.rows[live]
    jacobian = linearise(latent_map, rows).jacobian
    state.stationarity[live] = _stationarity(jacobian, way, rows, here)
    still = torch.zeros_like(here.targets)
    step = box_step(jacobian, still, here.lower - rows, here.upper - rows, wish=way).step
    trial = (rows + share[:, None] * step).maximum(here.lower).minimum(here.upper)
    back = correct(latent_map, trial, here, num_steps=_CORRECTOR_STEPS)
    nearer = (goals[live] - back.rows).norm(dim=1) < way.norm(dim=1)
    kept = nearer & (back.residual_norm <= here.tolerance)
    state.rows[live] = torch.where(kept[:, None], back.rows, rows)
    state.share[live] = torch.where(kept, (share * 1.5).clamp_max(1.0), share * 0.4)
    state.num_jacobians[live] += 1 + back.num_jacobians


def _stationarity(
    jacobian: Float[Tensor, "live m n"], way: Float[Tensor, "live n"], rows: Float[Tensor, "live n"], task: Task
) -> Float[Tensor, " live"]:
    length = way.norm(dim=1)
    left = project_cone(jacobian, way, rows, task.lower, task.upper).norm(dim=1)
    return torch.where(length > 0, left / length, 0.0)


def _pack(
    fiber: Fiber, goals: Float[Tensor, "batch n"], task: Task, tolerance: Float[Tensor, " batch"], state: _Descent
) -> Nearest:
    norm = fiber.residual(state.rows).norm(dim=1)
    outcome = diagnose(fiber.latent_map, state.rows, norm, tolerance, task)
    distance = (state.rows - goals).norm(dim=1)
    there = (norm <= tolerance).nonzero()[:, 0]
    jacobian = linearise(fiber.latent_map, state.rows[there]).jacobian
    way = goals[there] - state.rows[there]
    state.stationarity[there] = _stationarity(jacobian, way, state.rows[there], task.take(there))
    points = fiber.latent_map.unflatten(state.rows)
    return Nearest(points, norm, tolerance, distance, state.stationarity, state.num_jacobians, outcome)
