"""Why a row did not arrive: one look at the linearisation where it stopped."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.geometry.differential import Dense
from fiberscope.geometry.differentiate import differentiate
from fiberscope.geometry.rounding import rounding_level
from fiberscope.geometry.tangent import split_tangent
from fiberscope.moves.outcome import Outcome
from fiberscope.moves.proof import out_of_reach
from fiberscope.moves.task import Task
from fiberscope.problem import LatentMap

_NEAR = 1e-2  # relative residual below which more steps are the likely remedy


def diagnose(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    residual_norm: Float[Tensor, " batch"],
    tolerance: Float[Tensor, " batch"],
    task: Task,
) -> tuple[Outcome, ...]:
    """The outcome of each row that was sent to a target and now stands at ``rows``."""
    outcomes = [
        Outcome.CONVERGED if arrived else Outcome.NOT_FINITE for arrived in (residual_norm <= tolerance).tolist()
    ]
    stuck = ((residual_norm > tolerance) & residual_norm.isfinite()).nonzero()[:, 0]
    if stuck.numel():
        for row, outcome in zip(stuck.tolist(), _reasons(latent_map, rows[stuck], task.take(stuck)), strict=True):
            outcomes[row] = outcome
    return tuple(outcomes)


def _reasons(latent_map: LatentMap, rows: Float[Tensor, "stuck n"], task: Task) -> list[Outcome]:
    latents, differential = differentiate(latent_map, rows)
    residual = task.excess(latents)
    slope = differential.pull(residual)
    finite = slope.isfinite().all(dim=1)
    full = (slope != 0).any(dim=1)
    if isinstance(differential, Dense):  # a Jacobian that is known by products is not asked for its rank
        finite = differential.matrix.isfinite().flatten(1).all(dim=1)
        split = split_tangent(torch.where(finite[:, None, None], differential.matrix, 0.0))
        full = split.rank == split.singular_values.shape[1]
    checks = {
        Outcome.NOT_FINITE: ~finite,
        Outcome.ROUNDING: residual.norm(dim=1) <= rounding_level(latent_map, rows),
        Outcome.RANK_DEFICIENT: ~full,
        Outcome.UNREACHABLE: out_of_reach(latent_map, rows, task),
        Outcome.OUT_OF_STEPS: residual.norm(dim=1) <= _NEAR * task.targets.norm(dim=1),
    }
    reasons = [Outcome.STALLED] * rows.shape[0]
    for outcome, holds in reversed(checks.items()):
        reasons = [outcome if held else reason for held, reason in zip(holds.tolist(), reasons, strict=True)]
    return reasons
