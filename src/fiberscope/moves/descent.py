"""Descent along a fiber: lower an energy of rows, or of groups of rows, without leaving their fibers."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.differential import Dense
from fiberscope.geometry.differentiate import Differentiated, Method, differentiate, method_for
from fiberscope.geometry.jacobian import linearise
from fiberscope.moves.correction import Correction
from fiberscope.moves.corrector import correct
from fiberscope.moves.glide import glide
from fiberscope.moves.predictor import feasible_direction, step_toward
from fiberscope.moves.project import reach
from fiberscope.moves.task import Task
from fiberscope.moves.trial import residual_of
from fiberscope.problem import LatentMap

_FIRST_SHARE = 0.2  # of the wish that a step follows
_LEAST_SHARE = 0.01  # where not even this lowers the energy, a group rests
_SHORTER, _LONGER = 0.3, 2.0
_EARNED = 0.5  # share of what the tangent step gains that has to be left after the correction, or steps would zigzag
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
    """Updated in place; ``share`` is a value a group, ``moved`` says which rows need a new Jacobian.

    Jacobians that are too large to form are not kept either.
    """

    rows: Float[Tensor, "batch n"]
    share: Float[Tensor, " group"]
    stationarity: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]
    latents: Float[Tensor, "batch m"]
    jacobian: Float[Tensor, "batch m n"] | None
    moved: Bool[Tensor, " batch"]


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
    """Bring rows onto their fibers while the energy of each group of ``members`` neighbouring rows falls.

    First ``num_steps`` of `glide`, which lands near a minimum even where it lies on kinks; then the corrector; then at
    most as many steps that settle: to the point of the linearised fiber in the box that is nearest to a share of the
    wish, corrected, and kept if the energy of the group falls by half of what the step promised. A group rests when
    stationarity is below ``gtol`` in all its rows, or when its share has shrunk to nothing. A row that cannot land goes
    straight from its start; a group that starts on its fibers never ends with more energy. A row that did not reach its
    fiber stays where it is, with stationarity NaN.

    References:
        Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix Manifolds, chapter 4.
        Nocedal and Wright (2006), Numerical Optimization, chapter 18.
    """
    glided = glide(latent_map, starts, task, energy.wish, members=members, num_steps=num_steps)
    found = _land(latent_map, glided, starts, task, energy, members)
    there = task.arrived(found.residual_norm)
    state = _start(latent_map, found.rows, found.num_jacobians + num_steps, members)
    groups = there.view(-1, members).any(dim=1).nonzero()[:, 0]
    for _ in range(num_steps):
        if groups.numel() == 0:
            break
        _settle(latent_map, task, energy, state, groups, there)
        restless = (state.stationarity.view(-1, members)[groups] > gtol).any(dim=1)
        groups = groups[restless & (state.share[groups] > _LEAST_SHARE)]
    _measure(latent_map, task, energy, state, there)
    return Descent(state.rows, state.stationarity, state.num_jacobians)


def _land(
    latent_map: LatentMap,
    glided: Float[Tensor, "batch n"],
    starts: Float[Tensor, "batch n"],
    task: Task,
    energy: Energy,
    members: int,
) -> Correction:
    """Points on the fibers near where rows glided to; near their starts, where there is none or it is better there."""
    found = reach(latent_map, glided, task, num_steps=60, num_restarts=0)
    lost = (~task.arrived(found.residual_norm)).nonzero()[:, 0]
    if lost.numel():
        straight = reach(latent_map, starts[lost], task.take(lost), num_steps=60, num_restarts=12)
        found.rows[lost], found.residual_norm[lost] = straight.rows, straight.residual_norm
        found.num_jacobians[lost] += straight.num_jacobians
    excess = residual_of(latent_map, starts, task).norm(dim=1)
    stood = (excess <= task.tolerance).view(-1, members).all(dim=1)
    groups = torch.arange(len(stood), device=starts.device)
    before, after = (energy.value(rows.view(-1, members, rows.shape[1]), groups) for rows in (starts, found.rows))
    stayed = (stood & (before <= after)).repeat_interleave(members)
    rows = torch.where(stayed[:, None], starts, found.rows)
    return found._replace(rows=rows, residual_norm=torch.where(stayed, excess, found.residual_norm))


def _start(latent_map: LatentMap, rows: Float[Tensor, "batch n"], cost: Int[Tensor, " batch"], members: int) -> _State:
    m, (batch, n) = latent_map.latent_size, rows.shape
    return _State(
        rows=rows,
        share=rows.new_full((batch // members,), _FIRST_SHARE),
        stationarity=rows.new_full((batch,), torch.nan),
        num_jacobians=cost,
        latents=rows.new_empty(batch, m),
        jacobian=rows.new_empty(batch, m, n) if method_for(latent_map) is Method.DENSE else None,
        moved=torch.ones(batch, dtype=torch.bool, device=rows.device),
    )


def _look(latent_map: LatentMap, state: _State, live: Int[Tensor, " live"]) -> Differentiated:
    """These rows linearised, anew where they have moved."""
    if state.jacobian is None:
        state.num_jacobians[live] += 1
        return differentiate(latent_map, state.rows[live])
    stale = live[state.moved[live]]
    state.latents[stale], state.jacobian[stale] = linearise(latent_map, state.rows[stale])
    state.num_jacobians[stale] += 1
    state.moved[stale] = False
    return Differentiated(state.latents[live], Dense(state.jacobian[live]))


def _settle(
    latent_map: LatentMap, task: Task, energy: Energy, state: _State, groups: Int[Tensor, " group"], there: Tensor
) -> None:
    """One step of these groups, in place."""
    members = state.rows.shape[0] // state.share.shape[0]
    of_groups = (groups[:, None] * members + torch.arange(members, device=groups.device)).flatten()
    moving = there[of_groups]
    live = of_groups[moving]
    before = state.rows[of_groups].view(-1, members, state.rows.shape[1])
    wish = energy.wish(before, groups).flatten(0, 1)[moving]
    share = state.share[groups].repeat_interleave(members)[moving]
    trial, landed = _step(latent_map, task.take(live), state, live, wish, share)
    after = _replaced(before, moving, landed)
    value = energy.value(before, groups)
    gained = value - energy.value(after, groups)
    promised = value - energy.value(_replaced(before, moving, trial), groups)
    lower = (gained > 0) & (gained >= _EARNED * promised)
    state.rows[of_groups] = torch.where(lower[:, None, None], after, before).flatten(0, 1)
    state.moved[of_groups] |= lower.repeat_interleave(members)
    old = state.share[groups]
    state.share[groups] = torch.where(lower, (old * _LONGER).clamp_max(1.0), old * _SHORTER)


def _step(
    latent_map: LatentMap,
    here: Task,
    state: _State,
    live: Int[Tensor, " live"],
    wish: Float[Tensor, "live n"],
    share: Float[Tensor, " live"],
) -> tuple[Float[Tensor, "live n"], Float[Tensor, "live n"]]:
    """The tangent step of these rows, and where it lands on the fiber; where the corrector fails, a row stays."""
    rows, seen = state.rows[live], _look(latent_map, state, live)
    state.stationarity[live] = _stationarity(here, rows, seen, wish)
    step = step_toward(here, rows, seen.latents, seen.differential, share[:, None] * wish)
    trial = (rows + step).maximum(here.lower).minimum(here.upper)
    back = correct(latent_map, trial, here, num_steps=_CORRECTOR_STEPS, model=seen.differential)
    state.num_jacobians[live] += back.num_jacobians
    arrived = back.residual_norm <= here.tolerance
    return trial, torch.where(arrived[:, None], back.rows, rows)


def _replaced(
    before: Float[Tensor, "group member n"], moving: Bool[Tensor, " row"], rows: Float[Tensor, "moving n"]
) -> Float[Tensor, "group member n"]:
    after = before.flatten(0, 1).clone()
    after[moving] = rows
    return after.view_as(before)


def _measure(latent_map: LatentMap, task: Task, energy: Energy, state: _State, there: Tensor) -> None:
    """Stationarity at the points where the rows ended, in place."""
    live = there.nonzero()[:, 0]
    if live.numel() == 0:
        return
    members = state.rows.shape[0] // state.share.shape[0]
    everywhere = torch.arange(state.share.shape[0], device=state.rows.device)
    wish = energy.wish(state.rows.view(-1, members, state.rows.shape[1]), everywhere).flatten(0, 1)[there]
    seen = _look(latent_map, state, live)
    state.stationarity[live] = _stationarity(task.take(live), state.rows[live], seen, wish)


def _stationarity(
    task: Task, rows: Float[Tensor, "live n"], seen: Differentiated, wish: Float[Tensor, "live n"]
) -> Float[Tensor, " live"]:
    length = wish.norm(dim=1)
    left = feasible_direction(task, rows, seen.latents, seen.differential, wish).norm(dim=1)
    return torch.where(length > 0, left / length, 0.0)
