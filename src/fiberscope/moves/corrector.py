"""The corrector: damped Gauss-Newton onto the fiber inside the box, row by row."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.differential import Dense, Differential
from fiberscope.geometry.differentiate import Method, method_for
from fiberscope.geometry.jacobian import linearise
from fiberscope.geometry.rounding import rounding_level
from fiberscope.moves.correction import Correction
from fiberscope.moves.inexact_corrector import correct_inexactly
from fiberscope.moves.task import Task
from fiberscope.moves.trial import Stand, Trial, attempt, residual_of
from fiberscope.problem import LatentMap

_REJECTED_DAMPING = 1e-2  # least damping after a step that was not kept
_MOST_DAMPING = 1e5
_MEMORY = 8  # a step may also be kept if it beats the worst of so many last residuals
_BLEND = 0.5  # share of the old Jacobian kept where it predicted badly
_WORTHWHILE = 0.5  # share of the residual that a step may leave without a new Jacobian
_MUCH = 0.9  # a residual below so much of the best one is progress
_PATIENCE = 4  # trials without progress after which a row is asked whether it stands at rounding level


class _State(NamedTuple):
    """Rows still on the way. ``origin`` says which of the caller's rows each one is.

    ``best`` is the point of the least residual so far, ``idle`` the trials since it last got much better. ``model`` is
    the Jacobian as far as it is known; ``fresh`` where it was computed at the row itself.
    """

    origin: Int[Tensor, " live"]
    task: Task
    rows: Float[Tensor, "live n"]
    residual: Float[Tensor, "live m"]
    norm: Float[Tensor, " live"]
    best: Float[Tensor, "live n"]
    best_norm: Float[Tensor, " live"]
    idle: Int[Tensor, " live"]
    model: Float[Tensor, "live m n"]
    fresh: Bool[Tensor, " live"]
    num_jacobians: Int[Tensor, " live"]
    damping: Float[Tensor, " live"]
    growth: Float[Tensor, " live"]
    recent: Float[Tensor, "live memory"]

    def take(self, keep: Bool[Tensor, " live"]) -> _State:
        return _State(self.origin[keep], self.task.take(keep), *(part[keep] for part in self[2:]))


def correct(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    task: Task,
    *,
    num_steps: int,
    damping: float = 0.0,
    model: Differential | None = None,
) -> Correction:
    """Bring rows to their targets by at most ``num_steps`` damped Gauss-Newton steps inside their bounds.

    Levenberg-Marquardt in the natural metric: residuals are weighed by ``(J Jᵀ + ridge)^(-1/2)``, so that a weakly
    visible latent counts as much as a strong one. Damping, at first ``damping``, follows actual over predicted
    decrease. A Jacobian costs m backward passes, a step one forward pass: so the Jacobian learns from every step by
    its secant, and is computed anew only where a step left more than half of the residual. Two devices carry rows
    across the kinks of piecewise-linear networks: a step may raise the residual for a while, and where the
    linearisation predicted badly the next one is averaged with it. Converged rows leave the batch. A ball as target is
    its nearest point, chosen anew at each step. A Jacobian known near the start may be given as the first ``model``;
    that saves computing one. Where Jacobians are too large to form, `correct_inexactly` does it instead.

    References:
        Levenberg (1944), Marquardt (1963), Nielsen (1999) on the damping rule.
        Broyden (1965), A class of methods for solving nonlinear simultaneous equations.
        Deuflhard (2011), Newton Methods for Nonlinear Problems, section 3.3 on natural level functions.
        Grippo, Lampariello and Lucidi (1986) on non-monotone descent.
    """
    if method_for(latent_map) is Method.MATRIX_FREE:
        return correct_inexactly(latent_map, rows, task, num_steps=num_steps, damping=damping)
    found, state = _start(latent_map, rows, task, model.matrix if isinstance(model, Dense) else None)
    with (
        torch.inference_mode()
    ):  # a seventh less time for one image; what is found was made outside, so is an ordinary tensor
        state = state._replace(damping=state.damping.clamp_min(damping))
        for _ in range(num_steps):
            if state.origin.numel() == 0:
                break
            state = _advance(latent_map, state, found)
        _keep(found, state)
    return found


def _start(
    latent_map: LatentMap, rows: Float[Tensor, "batch n"], task: Task, model: Float[Tensor, "batch m n"] | None
) -> tuple[Correction, _State]:
    residual = residual_of(latent_map, rows, task)
    norm: Tensor = torch.linalg.vector_norm(residual, dim=1)
    nothing = torch.zeros_like(norm, dtype=torch.bool)
    found = Correction(rows.clone(), norm.nan_to_num(nan=torch.inf), torch.zeros_like(norm, dtype=torch.long), nothing)
    index = ((norm > task.tolerance) & norm.isfinite()).nonzero()[:, 0]
    rows, residual, norm = rows[index], residual[index], norm[index]
    state = _State(
        origin=index,
        task=task.take(index),
        rows=rows,
        residual=residual,
        norm=norm,
        best=rows,
        best_norm=norm,
        idle=torch.zeros_like(index),
        model=linearise(latent_map, rows).jacobian if model is None else model[index],
        fresh=torch.full_like(index, model is None, dtype=torch.bool),
        num_jacobians=torch.full_like(index, model is None, dtype=torch.long),
        damping=torch.full_like(norm, _least_damping(norm)),
        growth=torch.full_like(norm, 2.0),
        recent=norm[:, None].repeat(1, _MEMORY),
    )
    return found, state


def _advance(latent_map: LatentMap, state: _State, found: Correction) -> _State:
    trial = attempt(
        latent_map,
        state.task,
        Stand(state.rows, state.residual, state.norm, state.recent.amax(dim=1)),
        state.model,
        damping=state.damping,
        exact=state.fresh & (state.num_jacobians == 1),  # so that one step is all that a linear map needs
    )
    worthwhile = trial.accepted & (trial.norm < _WORTHWHILE * state.norm)
    renew = torch.where(trial.accepted, ~worthwhile, ~state.fresh)
    _learn(state, trial, ~renew)
    state = _move(_damp(state, trial), trial)
    live = (state.norm > state.task.tolerance) & (state.damping < _MOST_DAMPING)
    # One transfer to the host a step: how many rows go on, want a new Jacobian, or may have met rounding.
    left, anew, idle = torch.stack([live.sum(), (renew & live).sum(), (state.idle >= _PATIENCE).sum()]).tolist()
    if idle:
        live = live & ~_check_rounding(latent_map, state, found)
    gain = trial.gain
    if left < len(live) or idle:
        _keep(found, state)
        state, gain, renew = state.take(live), gain[live], renew[live]
    return _relinearise(latent_map, state, gain, renew) if anew else state


def _keep(found: Correction, state: _State) -> None:
    """Write down what these rows have reached, in place."""
    found.rows.index_copy_(0, state.origin, state.best)
    found.residual_norm.index_copy_(0, state.origin, state.best_norm)
    found.num_jacobians.index_copy_(0, state.origin, state.num_jacobians)


def _check_rounding(latent_map: LatentMap, state: _State, found: Correction) -> Bool[Tensor, " live"]:
    """Which of the idle rows stand at rounding level; they are marked, and the patience of all is renewed, in place."""
    idle = state.idle >= _PATIENCE
    at_rounding = idle & (state.best_norm <= rounding_level(latent_map, state.best))
    found.at_rounding.index_copy_(0, state.origin, at_rounding)
    state.idle.masked_fill_(idle, 0)
    return at_rounding


def _learn(state: _State, trial: Trial, learning: Bool[Tensor, " live"]) -> None:
    """Broyden's update, in place: the least change of the model that explains what the trial found."""
    length = trial.step.square().sum(dim=1, keepdim=True)
    usable = learning[:, None] & (length > 0) & trial.norm.isfinite()[:, None]
    rate = (trial.missed / length).where(usable, 0.0)
    step = trial.step.where(usable, 0.0)  # zero times NaN would be NaN
    state.model.baddbmm_(rate[:, :, None], step[:, None])
    state.fresh.logical_and_(~trial.accepted)


def _damp(state: _State, trial: Trial) -> _State:
    eased = state.damping * (1 - (2 * trial.gain - 1) ** 3).clamp(0.1, 1.5)
    raised = state.damping.clamp_min(_REJECTED_DAMPING) * state.growth
    return state._replace(
        damping=torch.where(trial.accepted, eased, raised).clamp_min(_least_damping(trial.gain)),
        growth=(2 * state.growth).masked_fill(trial.accepted, 2.0),
    )


def _least_damping(like: Tensor) -> float:
    # Where the linearised target is out of reach the damping alone decides the step; this much drowns rounding.
    return float(torch.finfo(like.dtype).eps ** 0.5)


def _move(state: _State, trial: Trial) -> _State:
    column = trial.accepted[:, None]
    better = trial.accepted & (trial.norm < state.best_norm)
    much = better & (trial.norm < _MUCH * state.best_norm)
    shifted = torch.cat([state.recent[:, 1:], trial.norm[:, None]], dim=1)
    return state._replace(
        rows=torch.where(column, trial.rows, state.rows),
        residual=torch.where(column, trial.residual, state.residual),
        norm=torch.where(trial.accepted, trial.norm, state.norm),
        best=torch.where(better[:, None], trial.rows, state.best),
        best_norm=torch.where(better, trial.norm, state.best_norm),
        idle=(state.idle + 1).masked_fill(much, 0),
        recent=torch.where(column, shifted, state.recent),
    )


def _relinearise(
    latent_map: LatentMap, state: _State, gain: Float[Tensor, " live"], renew: Bool[Tensor, " live"]
) -> _State:
    rows = renew.nonzero()[:, 0]
    fresh = linearise(latent_map, state.rows[rows]).jacobian
    keep = (_BLEND * (gain[rows] <= 0.5).to(fresh))[:, None, None]
    state.model[rows] = torch.lerp(fresh, state.model[rows], keep)
    return state._replace(fresh=state.fresh | renew, num_jacobians=state.num_jacobians + renew)
