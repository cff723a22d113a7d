"""One damped Gauss-Newton step in the natural metric, and how it went."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.geometry.box_step import box_step
from fiberscope.moves.task import Task
from fiberscope.problem import LatentMap

_METRIC_SHARE = 1e-2  # ridge of the natural metric, in units of the mean squared singular value
_NEAR = 0.1  # relative residual below which ridge and damping fade
_ACCEPT = 1e-3  # least share of the predicted decrease that counts as progress
_WORST = 0.98  # a step may also be kept if it beats so much of the worst residual allowed
_STEP_RTOL = 0.1  # of a box step that need not be exact: tighter costs twice the time and saves no Jacobian


class Stand(NamedTuple):
    """Where rows stand: their residuals, and the worst residual that a step may still end with."""

    rows: Float[Tensor, "live n"]
    residual: Float[Tensor, "live m"]
    norm: Float[Tensor, " live"]
    worst: Float[Tensor, " live"]


class Trial(NamedTuple):
    """Where a step led; ``gain`` is actual over predicted decrease, ``missed`` what no linear map would have left."""

    rows: Float[Tensor, "live n"]
    residual: Float[Tensor, "live m"]
    norm: Float[Tensor, " live"]
    gain: Float[Tensor, " live"]
    accepted: Bool[Tensor, " live"]
    step: Float[Tensor, "live n"]
    missed: Float[Tensor, "live m"]


def attempt(
    latent_map: LatentMap,
    task: Task,
    here: Stand,
    model: Float[Tensor, "live m n"],
    *,
    damping: Float[Tensor, " live"],
    exact: Bool[Tensor, " live"],
) -> Trial:
    """Solve the linearised problem in the box, damped, and see where the network itself is there.

    Residuals are weighed by ``(J Jᵀ + ridge)^(-1/2)``. The trial is accepted if it gained a share of what was
    predicted, or ends below the worst residual allowed. Rows that ask for it have their box step solved exactly.
    """
    far = (here.norm / (_NEAR * torch.linalg.vector_norm(task.targets, dim=1)).clamp_min(1e-30)).clamp_max(1.0)
    root = _natural_root(model, far)
    unit = torch.eye(root.shape[1], dtype=root.dtype, device=root.device)
    whiten = torch.linalg.solve_triangular(root, unit, upper=False)
    before = _times(whiten, here.residual)
    found = box_step(
        whiten @ model,
        -before,
        task.lower - here.rows,
        task.upper - here.rows,
        damping=damping * far,
        rtol=torch.where(exact, 0.0, _STEP_RTOL),
    )
    rows = (here.rows + found.step).maximum(task.lower).minimum(task.upper)
    residual = residual_of(latent_map, rows, task)
    norm: Tensor = torch.linalg.vector_norm(residual, dim=1)
    all_of_it = before.square().sum(dim=1)
    predicted = all_of_it - found.shortfall.square().sum(dim=1)
    actual = all_of_it - _times(whiten, residual).square().sum(dim=1)
    gain = (actual / predicted.clamp_min(torch.finfo(norm.dtype).tiny)).nan_to_num(nan=-1.0)
    accepted = ((gain > _ACCEPT) | (norm < _WORST * here.worst)) & norm.isfinite()
    missed = residual + _times(root, found.shortfall)  # of a linear map nothing but the shortfall would be left
    return Trial(rows, residual, norm, gain, accepted, found.step, missed)


def _natural_root(jacobian: Float[Tensor, "live m n"], far: Float[Tensor, " live"]) -> Float[Tensor, "live m m"]:
    """Cholesky factor of ``J Jᵀ`` plus a ridge, which fades as a row comes near so that weak latents arrive too."""
    gram = jacobian @ jacobian.transpose(1, 2)
    unit = torch.finfo(gram.dtype)
    share = (_METRIC_SHARE * far.square()).clamp_min(16 * gram.shape[1] * unit.eps)
    ridge = share * gram.diagonal(dim1=1, dim2=2).mean(dim=1) + unit.tiny**0.5
    gram.diagonal(dim1=1, dim2=2).add_(ridge[:, None])
    root, failed = torch.linalg.cholesky_ex(gram)
    # A row that rounding made indefinite turns NaN, and its step is not kept.
    metric: Tensor = root.masked_fill(failed[:, None, None] > 0, torch.nan)
    return metric


def _times(matrices: Float[Tensor, "live m m"], vectors: Float[Tensor, "live m"]) -> Float[Tensor, "live m"]:
    return torch.bmm(matrices, vectors[:, :, None])[:, :, 0]


def residual_of(latent_map: LatentMap, rows: Float[Tensor, "some n"], task: Task) -> Float[Tensor, "some m"]:
    """What lies outside the ball of each row's latent, by a forward pass."""
    with torch.no_grad():
        return task.excess(latent_map(rows))
