"""Where rows ended: their residuals, measured in their batch and each row by itself, and the outcome of each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.moves.corrector import correct
from fiberscope.moves.diagnosis import diagnose
from fiberscope.moves.outcome import Outcome
from fiberscope.moves.task import Task
from fiberscope.problem import LatentMap

_NEAR = 16.0  # tolerances; a row farther off than that in its batch is not asked again by itself
_DOUBT = 8.0  # times that the passes may differ by what they were seen to differ by before a row is asked more closely
_COPIES = (1, 2, 7)  # of a row in doubt, in batches of their own
_AIMS = (0.5, 0.1)  # shares of its tolerance that a row in doubt is corrected to, by itself
_CORRECTOR_STEPS = 10


class Verdict(NamedTuple):
    """Rows as they are returned, the worst residual that any pass showed, and their outcomes."""

    rows: Float[Tensor, "batch n"]
    residual_norm: Float[Tensor, " batch"]
    outcome: tuple[Outcome, ...]


class Seen(NamedTuple):
    """The greatest and the least residual norm that passes over a row showed, in its batch and alone."""

    most: Float[Tensor, " batch"]
    least: Float[Tensor, " batch"]

    def torn(self, tolerance: Float[Tensor, " batch"]) -> Bool[Tensor, " batch"]:
        """Whether passes over a row disagree about its arrival."""
        return (self.least <= tolerance) & ~(self.most <= tolerance)


def judge(
    latent_map: LatentMap, rows: Float[Tensor, "batch n"], task: Task, tolerance: Float[Tensor, " batch"]
) -> Verdict:
    """Measure rows that were sent to their targets, and name the outcome of each.

    A kernel sums in another order for another batch size, and an ill-conditioned network makes much of the difference.
    So *converged* is said of a row only if it is within its tolerance in this batch and in a pass of its own. A row
    about which passes disagree is corrected by itself, closer than was asked; where that does not help, rounding
    exceeds the tolerance, and its outcome says so.
    """
    # Contiguous, as the points are that a caller cuts single rows from: kernels also round by where a row begins.
    rows = torch.where(task.lower == task.upper, task.lower, rows).contiguous()
    seen = measure(latent_map, rows, task.targets, tolerance)
    for aim in _AIMS:
        torn = seen.torn(tolerance).nonzero()[:, 0]
        if torn.numel() == 0:
            break
        rows, seen = _correct_alone(latent_map, rows, task, tolerance, torn, seen, aim)
    outcomes = list(diagnose(latent_map, rows, seen.most, tolerance, task))
    for row in seen.torn(tolerance).nonzero()[:, 0].tolist():
        outcomes[row] = Outcome.ROUNDING
    return Verdict(rows, seen.most, tuple(outcomes))


def measure(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    targets: Float[Tensor, "batch m"],
    tolerance: Float[Tensor, " batch"],
) -> Seen:
    """Residual norms of rows in their batch, and alone where they may count as arrived; more passes where in doubt."""
    with torch.no_grad():
        latents = latent_map(rows)
        norm = (latents - targets).norm(dim=1)
        near = (norm <= _NEAR * tolerance).nonzero()[:, 0]
        if len(rows) == 1 or near.numel() == 0:
            return Seen(norm, norm)
        alone = torch.cat([latent_map(rows[row : row + 1]) for row in near.tolist()])
        own = (alone - targets[near]).norm(dim=1)
        most, least = (
            norm.index_copy(0, near, norm[near].maximum(own)),
            norm.index_copy(0, near, norm[near].minimum(own)),
        )
        gap = torch.zeros_like(norm).index_copy(0, near, _DOUBT * (alone - latents[near]).norm(dim=1))
        for row in ((least <= tolerance) & (most + gap > tolerance)).nonzero()[:, 0].tolist():
            copies = torch.cat([latent_map(rows[row : row + 1].repeat(count, 1)) for count in _COPIES])
            looks = (copies - targets[row]).norm(dim=1)
            most[row], least[row] = most[row].maximum(looks.amax()), least[row].minimum(looks.amin())
    return Seen(most, least)


def _correct_alone(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    task: Task,
    tolerance: Float[Tensor, " batch"],
    torn: Int[Tensor, " torn"],
    seen: Seen,
    aim: float,
) -> tuple[Float[Tensor, "batch n"], Seen]:
    """All rows and what was seen of them, the torn ones corrected one at a time, where that made them better."""
    tighter = task._replace(tolerance=aim * task.tolerance)
    found = [
        correct(latent_map, rows[row], tighter.take(row), num_steps=_CORRECTOR_STEPS).rows
        for row in torch.split(torn, 1)
    ]
    moved = rows.index_copy(0, torn, torch.cat(found))
    # Rows that are not torn count as far off, so that they are not asked again.
    asked = torch.zeros_like(tolerance).index_copy(0, torn, tolerance[torn])
    again = measure(latent_map, moved, task.targets, asked)
    better = torch.zeros_like(asked, dtype=torch.bool).index_copy(0, torn, again.most[torn] < seen.most[torn])
    parts = zip((rows, *seen), (moved, *again), strict=True)
    rows, most, least = (torch.where(better.view(-1, *[1] * (old.ndim - 1)), new, old) for old, new in parts)
    return rows, Seen(most, least)
