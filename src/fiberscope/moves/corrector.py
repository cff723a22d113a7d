"""The corrector: damped Gauss-Newton onto the fiber inside the box, row by row."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.box_step import box_step
from fiberscope.geometry.jacobian import linearise
from fiberscope.moves.task import Task
from fiberscope.problem import LatentMap

_METRIC_SHARE = 1e-2  # ridge of the natural metric, in units of the mean squared singular value
_NEAR = 0.1  # relative residual below which ridge and damping fade
_REJECTED_DAMPING = 1e-2  # least damping after a step that was not kept
_MOST_DAMPING = 1e5
_ACCEPT = 1e-3  # least share of the predicted decrease that counts as progress
_MEMORY = 8  # a step may also be kept if it beats the worst of so many last residuals
_BLEND = 0.5  # share of the old Jacobian kept where it predicted badly


class Correction(NamedTuple):
    """The best point that each row reached, how far outside its ball its latent is, and the Jacobians that it cost."""

    rows: Float[Tensor, "batch n"]
    residual_norm: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]


class _State(NamedTuple):
    """Rows still on the way. ``origin`` says which of the caller's rows each one is."""

    origin: Int[Tensor, " live"]
    rows: Float[Tensor, "live n"]
    residual: Float[Tensor, "live m"]
    model: Float[Tensor, "live m n"]
    damping: Float[Tensor, " live"]
    growth: Float[Tensor, " live"]
    recent: Float[Tensor, "live memory"]

    def take(self, keep: Bool[Tensor, " live"]) -> _State:
        return _State(*(part[keep] for part in self))


def correct(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    task: Task,
    *,
    num_steps: int,
    damping: float = 0.0,
    model: Float[Tensor, "batch m n"] | None = None,
) -> Correction:
    """Bring rows to their targets by at most ``num_steps`` damped Gauss-Newton steps inside their bounds.

    Levenberg-Marquardt in the natural metric: residuals are weighed by ``(J Jᵀ + ridge)^(-1/2)``, so that a weakly
    visible latent counts as much as a strong one. Damping, at first ``damping``, follows actual over predicted
    decrease. Two devices carry rows across the kinks of piecewise-linear networks: a step may raise the residual for a
    while, and where the linearisation predicted badly the next one is averaged with it. Converged rows leave the
    batch. A ball as target is its nearest point, chosen anew at each step. A Jacobian known near the start may be given
    as the first ``model``; that saves computing one.

    References:
        Levenberg (1944), Marquardt (1963), Nielsen (1999) on the damping rule.
        Deuflhard (2011), Newton Methods for Nonlinear Problems, section 3.3 on natural level functions.
        Grippo, Lampariello and Lucidi (1986) on non-monotone descent.
    """
    best = Correction(rows.clone(), rows.new_full(rows.shape[:1], torch.inf), rows.new_zeros(rows.shape[0]).long())
    state = _start(latent_map, rows, task, model, best)
    state = state._replace(damping=state.damping.clamp_min(damping))
    for _ in range(num_steps):
        if state.origin.numel() == 0:
            break
        state = _advance(latent_map, task, state, best)
    return best


def _start(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    task: Task,
    model: Float[Tensor, "batch m n"] | None,
    best: Correction,
) -> _State:
    index = torch.arange(rows.shape[0], device=rows.device)
    residual = _residual(latent_map, rows, task)
    norm = residual.norm(dim=1)
    best.residual_norm.copy_(norm.nan_to_num(nan=torch.inf))
    live = (norm > task.tolerance) & norm.isfinite()
    index, rows, residual, norm = index[live], rows[live], residual[live], norm[live]
    if model is None:
        best.num_jacobians[index] += 1
    model = linearise(latent_map, rows).jacobian if model is None else model[live]
    damping = torch.full_like(norm, _least_damping(norm))
    return _State(index, rows, residual, model, damping, torch.full_like(norm, 2.0), norm[:, None].repeat(1, _MEMORY))


def _advance(latent_map: LatentMap, task: Task, state: _State, best: Correction) -> _State:
    here = task.take(state.origin)
    far = (state.residual.norm(dim=1) / (_NEAR * here.targets.norm(dim=1)).clamp_min(1e-30)).clamp_max(1.0)
    root = _natural_root(state.model, far)
    weighed_residual = _solve(root, state.residual)
    step = box_step(
        _solve(root, state.model),
        -weighed_residual,
        here.lower - state.rows,
        here.upper - state.rows,
        damping=state.damping * far,
    )
    trial = (state.rows + step.step).maximum(here.lower).minimum(here.upper)
    residual = _residual(latent_map, trial, here)
    norm = residual.norm(dim=1)
    before = weighed_residual.square().sum(dim=1)
    predicted = before - step.shortfall.square().sum(dim=1)
    actual = before - _solve(root, residual).square().sum(dim=1)
    gain = (actual / predicted.clamp_min(torch.finfo(norm.dtype).tiny)).nan_to_num(nan=-1.0)
    accepted = ((gain > _ACCEPT) | (norm < 0.98 * state.recent.amax(dim=1))) & norm.isfinite()
    _keep_best(best, state.origin, trial, norm, accepted)
    state = _damp(state, gain, accepted)
    state = _move(state, trial, residual, norm, accepted)
    live = (state.residual.norm(dim=1) > here.tolerance) & (state.damping < _MOST_DAMPING)
    refresh = (accepted & live)[live]
    return _relinearise(latent_map, state.take(live), gain[live], refresh, best)


def _natural_root(jacobian: Float[Tensor, "live m n"], far: Float[Tensor, " live"]) -> Float[Tensor, "live m m"]:
    """Cholesky factor of ``J Jᵀ`` plus a ridge, which fades as a row comes near so that weak latents arrive too."""
    gram = jacobian @ jacobian.transpose(1, 2)
    unit = torch.finfo(gram.dtype)
    share = (_METRIC_SHARE * far.square()).clamp_min(16 * gram.shape[1] * unit.eps)
    ridge = share * gram.diagonal(dim1=1, dim2=2).mean(dim=1) + unit.tiny**0.5
    # Without a check for definiteness: a row that rounding made indefinite turns NaN, and its step is not kept.
    root: Tensor = torch.linalg.cholesky_ex(gram + torch.diag_embed(ridge[:, None].expand(gram.shape[:2]))).L
    return root


def _solve(root: Float[Tensor, "live m m"], right: Tensor) -> Tensor:
    columns = right if right.ndim == 3 else right[:, :, None]
    solved: Tensor = torch.linalg.solve_triangular(root, columns, upper=False)
    return solved if right.ndim == 3 else solved[:, :, 0]


def _residual(latent_map: LatentMap, rows: Float[Tensor, "some n"], task: Task) -> Float[Tensor, "some m"]:
    with torch.no_grad():
        return task.excess(latent_map(rows))


def _keep_best(best: Correction, index: Tensor, trial: Tensor, norm: Tensor, accepted: Tensor) -> None:
    better = accepted & (norm < best.residual_norm[index])
    best.rows[index[better]] = trial[better]
    best.residual_norm[index[better]] = norm[better]


def _damp(state: _State, gain: Float[Tensor, " live"], accepted: Bool[Tensor, " live"]) -> _State:
    eased = state.damping * (1 - (2 * gain - 1) ** 3).clamp(0.1, 1.5)
    raised = state.damping.clamp_min(_REJECTED_DAMPING) * state.growth
    return state._replace(
        damping=torch.where(accepted, eased, raised).clamp_min(_least_damping(gain)),
        growth=torch.where(accepted, 2.0, state.growth * 2),
    )


def _least_damping(like: Tensor) -> float:
    # Where the linearised target is out of reach the damping alone decides the step; this much drowns rounding.
    return float(torch.finfo(like.dtype).eps ** 0.5)


def _move(state: _State, trial: Tensor, residual: Tensor, norm: Tensor, accepted: Tensor) -> _State:
    shifted = torch.cat([state.recent[:, 1:], norm[:, None]], dim=1)
    column = accepted[:, None]
    return state._replace(
        rows=torch.where(column, trial, state.rows),
        residual=torch.where(column, residual, state.residual),
        recent=torch.where(column, shifted, state.recent),
    )


def _relinearise(
    latent_map: LatentMap,
    state: _State,
    gain: Float[Tensor, " live"],
    refresh: Bool[Tensor, " live"],
    best: Correction,
) -> _State:
    if not bool(refresh.any()):
        return state
    fresh = linearise(latent_map, state.rows[refresh]).jacobian
    best.num_jacobians[state.origin[refresh]] += 1
    keep = torch.where(gain[refresh] > 0.5, 0.0, _BLEND)[:, None, None]
    model = state.model.clone()
    model[refresh] = keep * model[refresh] + (1 - keep) * fresh
    return state._replace(model=model)
