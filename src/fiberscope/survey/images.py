"""Images that measures found, read where they are those that were stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiberscope.problem import FiberscopeError
from fiberscope.survey.arrays import ARRAYS, DamagedError, layout_of, open_shards
from fiberscope.survey.damage import image_columns, read_some
from fiberscope.survey.plan import read_plan
from fiberscope.survey.reading import open_records
from fiberscope.survey.stored import Fault, read_stored


def read_images(folder: Path, name: str, places: Sequence[int]) -> NDArray[Any]:
    """Read the images of a column at these places; NaN where none is stored yet.

    They are compared with the checksums that were stored with their records. Raises FiberscopeError for a column or a
    place that the survey does not have, and for images that are damaged, missing or others, with the places lost.
    """
    plan = read_plan(folder)
    with open_records(folder) as database:
        stored, names = read_stored(database, plan), image_columns(database)
    if name not in names:
        raise FiberscopeError(f"name: the survey in {folder} has no images {name!r}. Its table columns lists them.")
    wanted = np.asarray(places, dtype=np.int64).reshape(-1)
    if wanted.size and not (wanted.min() >= 0 and wanted.max() < plan.images):
        raise FiberscopeError(f"places: the survey in {folder} has images 0 to {plan.images - 1}.")
    found = np.full((len(wanted), *plan.input_shape), np.nan, dtype=plan.dtype)
    faults = [fault for fault in stored.faults if ((wanted >= fault.start) & (wanted < fault.stop)).any()]
    for start in np.unique(wanted - wanted % plan.batch_size).tolist():
        task = stored.tasks.get(start)
        if task is not None:
            try:
                read_some(open_shards(folder, name, layout_of(plan)), task, wanted, found)
            except DamagedError as error:
                faults.append(Fault(task.start, task.stop, str(error)))
    if faults:
        told = "; ".join(str(fault) for fault in faults)
        raise FiberscopeError(
            f"{folder / ARRAYS}: images are damaged or missing ({told}). To compute them anew: fiberscope survey "
            f"resume --out {quote(str(folder))}"
        )
    return found
