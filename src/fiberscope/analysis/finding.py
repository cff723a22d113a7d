"""What a run tells: a table with a row for each image, one sentence, advice, and the files written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from fiberscope.moves.outcome import Outcome
from fiberscope.problem import LatentMap

SURROGATE = "allowed on purpose; latents and residuals are of the network, directions and Jacobians are not."


class Finding(NamedTuple):
    """Cells are words, ready to print; ``num_good`` counts the rows that ended as they should."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    summary: str
    advice: tuple[str, ...]
    files: tuple[Path, ...]
    num_good: int


def relative(
    residual_norms: Float[ndarray, "rows *steps"], target_latents: Float[ndarray, "rows m"]
) -> Float[ndarray, "rows *steps"]:
    """Residual norms over the norm of each row's target; not a number where a target is zero."""
    sizes = np.linalg.norm(target_latents, axis=1).reshape(-1, *[1] * (residual_norms.ndim - 1))
    return residual_norms / np.where(sizes > 0, sizes, np.nan)


def advise(outcomes: Iterable[str], latent_map: LatentMap) -> tuple[str, ...]:
    """One sentence for each kind of outcome among these that is not converged, and one on a surrogate gradient."""
    found = set(outcomes)
    failures = [outcome for outcome in Outcome if outcome is not Outcome.CONVERGED and outcome.value in found]
    told = tuple(f"{outcome.value}: {outcome.advice}" for outcome in failures)
    return (*told, f"surrogate gradient: {SURROGATE}") if latent_map.surrogate_gradient else told


def scientific(value: float) -> str:
    """A small number as a table on any terminal shows it."""
    return f"{value:.1e}"


def median(values: Shaped[ndarray, "..."]) -> float:
    """Median of the finite values; not a number where there is none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
