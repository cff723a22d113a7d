"""Every walk of a study as a row for other programs."""

from __future__ import annotations

import torch

from fiberscope.analysis.records import Records, Value
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.walks import Trail, Walks

_COLUMNS = {
    "image": "name of the image from which the walk starts",
    "toward": "name of the image that it heads for, or the direction of the data basis that it follows (+ adds ink)",
    "walked": "length of the walk, Euclidean norm over pixels",
    "gone": "distance between its start and its end, Euclidean norm over pixels",
    "residual_max": "largest |f(x) - z| / |z| along the walk",
    "same_class": "whether the network reads the class of the start all along; empty if it reads none",
    "outcome": "converged, or why the walk ended early",
    "straight_residual": "|f(x) - z| / |z| at the end of the straight line in that direction; empty if there is none",
    "straight_same_class": "whether the network reads the class of the start at the end of that line",
}


def walk_records(study: Study, walks: Walks) -> Records:
    """First the walks toward partners, then those along the data basis, image by image."""
    names, several = study.images.names, walks.num_ways
    toward = (study.partners.names, walks.toward, None)
    headings = [f"{sign}{i + 1}" for i in range(walks.num_directions) for sign in "+-"]
    along = (tuple(headings) * len(names), walks.corrected, walks.straight)
    rows = [
        row
        for starts, (heads, trail, line) in (
            (names, toward),
            (tuple(name for name in names for _ in range(several)), along),
        )
        for row in _rows(starts, heads, trail, line)
    ]
    return Records(_COLUMNS, tuple(rows))


def _rows(starts: tuple[str, ...], heads: tuple[str, ...], trail: Trail, line: Trail | None) -> list[tuple[Value, ...]]:
    nothing: list[Value] = [None] * len(starts)
    worst = trail.residual.nan_to_num(nan=-torch.inf).amax(dim=0)
    return list(
        zip(
            starts,
            heads,
            trail.arc_length[-1].tolist(),
            trail.gone.tolist(),
            worst.tolist(),
            nothing if trail.classes is None else (trail.classes == trail.classes[0]).all(dim=0).tolist(),
            (outcome.value for outcome in trail.outcome),
            nothing if line is None else line.residual[-1].tolist(),
            nothing if line is None or line.classes is None else (line.classes[-1] == line.classes[0]).tolist(),
            strict=True,
        )
    )
