"""Descent along a fiber: lower an energy of rows, or of groups of rows, without leaving their fibers."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.geometry.jacobian import linearise
from fiberscope.moves.corrector import correct
from fiberscope.moves.predictor import feasible_direction, step_toward
from fiberscope.moves.project import reach
from fiberscope.moves.task import Task
from fiberscope.problem import LatentMap

_FIRST_SHARE = 0.2  # of the way to the linearised optimum that the first step goes
_LEAST_SHARE = 1e-3
_CORRECTOR_STEPS = 8


@runtime_checkable
class Energy(Protocol):
    """What descent lowers. ``groups`` says which of all groups are asked about."""

    def value(self, rows: Float[Tensor, "group member n"], groups: Int[Tensor, " group"]) -> Float[Tensor, " group"]:
        """The energy of each group."""
        ...

    def wish(
        self, rows: Float[Tensor, "group member n"], groups: Int[Tensor, " group"]
    ) -> Float[Tensor, "group member n"]:
        """Where each row would go, and how far, if there were no fiber and no box."""
        ...


class Descent(NamedTuple):
    """Where rows stand, the share of each row's wish that fiber and box still allow, and the Jacobians that it cost."""

    rows: Float[Tensor, "batch n"]
    stationarity: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]


class _State(NamedTuple):
    """Updated in place; ``share`` is a value a group."""

    rows: Float[Tensor, "batch n"]
    share: Float[Tensor, " group"]
    stationarity: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]


def descend(
    latent_map: LatentMap,
    starts: Float[Tensor, "batch n"],
    task: Task,
    energy: Energy,
    *,
    members: int = 1,
    num_steps: int,
    gtol: float,
) -> Descent:
    """Bring rows onto their fibers, then lower the energy of each group of ``members`` neighbouring rows.

    A step goes a share of the way to the point of the linearised fiber in the box that is nearest to the wish, and the
    corrector brings it back; it is kept if the energy of the group falls. A group stops when stationarity is below
    ``gtol`` in all its rows, when its share has shrunk to nothing, or after ``num_steps``. A row that did not reach its
    fiber stays where it is, with stationarity NaN.

    References:
        Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix Manifolds, chapter 4.
        Nocedal and Wright (2006), Numerical Optimization, chapter 18.
    """
    found = reach(latent_map, starts, task, num_steps=60, num_restarts=12)
    there = task.arrived(found.residual_norm)
    share = starts.new_full((starts.shape[0] // members,), _FIRST_SHARE)
    still = torch.full_like(found.residual_norm, torch.nan)
    state = _State(found.rows, share, still, found.num_jacobians)
    groups = there.view(-1, members).any(dim=1).nonzero()[:, 0]
    for _ in range(num_steps):
        if groups.numel() == 0:
            break
        _step(latent_map, task, energy, state, groups, there)
        restless = (state.stationarity.view(-1, members)[groups] > gtol).any(dim=1)
        groups = groups[restless & (state.share[groups] > _LEAST_SHARE)]
    _measure(latent_map, task, energy, state, there)
    return Descent(state.rows, state.stationarity, state.num_jacobians)


def _step(
    latent_map: LatentMap, task: Task, energy: Energy, state: _State, groups: Int[Tensor, " group"], there: Tensor
) -> None:
    """One step of these groups, in place."""
    members = state.rows.shape[0] // state.share.shape[0]
    of_groups = (groups[:, None] * members + torch.arange(members, device=groups.device)).flatten()
    moving = there[of_groups]
    live = of_groups[moving]
    before = state.rows[of_groups].view(-1, members, state.rows.shape[1])
    here, rows = task.take(live), state.rows[live]
    wish = energy.wish(before, groups).flatten(0, 1)[moving]
    latents, jacobian = linearise(latent_map, rows)
    state.stationarity[live] = _stationarity(here, rows, latents, jacobian, wish)
    share = state.share[groups].repeat_interleave(members)[moving]
    step = step_toward(here, rows, latents, jacobian, wish)
    trial = (rows + share[:, None] * step).maximum(here.lower).minimum(here.upper)
    back = correct(latent_map, trial, here, num_steps=_CORRECTOR_STEPS)
    kept = (back.residual_norm <= here.tolerance)[:, None]
    after = before.flatten(0, 1).clone()
    after[moving] = torch.where(kept, back.rows, rows)
    after = after.view(-1, members, state.rows.shape[1])
    lower = energy.value(after, groups) < energy.value(before, groups)
    state.rows[of_groups] = torch.where(lower[:, None, None], after, before).flatten(0, 1)
    old = state.share[groups]
    state.share[groups] = torch.where(lower, (old * 1.5).clamp_max(1.0), old * 0.4)
    state.num_jacobians[live] += 1 + back.num_jacobians


def _measure(latent_map: LatentMap, task: Task, energy: Energy, state: _State, there: Tensor) -> None:
    """Stationarity at the points where the rows ended, in place."""
    members = state.rows.shape[0] // state.share.shape[0]
    everywhere = torch.arange(state.share.shape[0], device=state.rows.device)
    wish = energy.wish(state.rows.view(-1, members, state.rows.shape[1]), everywhere).flatten(0, 1)[there]
    rows = state.rows[there]
    latents, jacobian = linearise(latent_map, rows)
    state.stationarity[there] = _stationarity(task.take(there), rows, latents, jacobian, wish)


def _stationarity(
    task: Task,
    rows: Float[Tensor, "live n"],
    latents: Float[Tensor, "live m"],
    jacobian: Float[Tensor, "live m n"],
    wish: Float[Tensor, "live n"],
) -> Float[Tensor, " live"]:
    length = wish.norm(dim=1)
    left = feasible_direction(task, rows, latents, jacobian, wish).norm(dim=1)
    return torch.where(length > 0, left / length, 0.0)
