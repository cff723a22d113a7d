"""Rows of one latent as tables, for the page and for other programs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.populations import Population
from fiberscope.analysis.records import Records
from fiberscope.analysis.study.study import Study
from fiberscope.moves import Outcome
from fiberscope.report import Table


def rows_table(study: Study, found: Population) -> Table:
    """A line for each row of the picture."""
    apart = _off_diagonal(found.distance)
    rows = [
        (
            study.images.words[i],
            sum(outcome is Outcome.CONVERGED for outcome in found.outcome[i]),
            float(found.residual[i].max()),
            float(apart[i].min()),
            float(apart[i].median()),
            float(apart[i].max()),
        )
        for i in range(len(found.images))
    ]
    return Table(
        ("latent of", "on the fiber", "residual at most", "nearest two", "median two", "farthest two"),
        tuple(rows),
        "The rows of the picture. Residual: |f(x) − z| / |z| of the images themselves. The last three: Euclidean "
        "distances in pixels between two members of a row.",
    )


def _off_diagonal(distance: Float[Tensor, "row member member"]) -> Float[Tensor, "row pairs"]:
    above = torch.triu_indices(distance.shape[1], distance.shape[1], offset=1)
    return distance[:, above[0], above[1]]


def rows_records(study: Study, found: Population) -> Records:
    """A row for each image."""
    columns = {
        "image": "the image whose latent the row has",
        "member": "number of the image in its row",
        "outcome": "how the search for it ended",
        "residual": "|f(x) - z| / |z| of the image, by a forward pass",
        "from_target": "Euclidean distance to the image whose latent it has, over pixels",
        "nearest": "Euclidean distance to the member of the row that is most like it, over pixels",
    }
    alone = torch.eye(found.distance.shape[1], dtype=torch.bool, device=found.distance.device)
    nearest = found.distance.masked_fill(alone, torch.inf).amin(dim=2)
    names: Sequence[str] = study.images.names
    rows = tuple(
        (
            names[i],
            j + 1,
            found.outcome[i][j].value,
            float(found.residual[i, j]),
            float(found.from_target[i, j]),
            float(nearest[i, j]),
        )
        for i in range(len(found.images))
        for j in range(found.images.shape[1])
    )
    return Records(columns, rows)
