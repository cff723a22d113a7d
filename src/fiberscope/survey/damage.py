"""Images that measures found, compared with the checksums that were stored with their records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiberscope.survey.arrays import ARRAYS, DamagedError, Shards, checksum, layout_of, open_shards
from fiberscope.survey.database import Database
from fiberscope.survey.plan import Plan
from fiberscope.survey.stored import Fault, Stored, StoredTask

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def image_columns(database: Database) -> tuple[str, ...]:
    """Name the columns of images, in their order."""
    rows = database.ask("SELECT name, type FROM columns ORDER BY place").rows
    return tuple(
        str(name) for name, kind in rows if kind == f"{ARRAYS}/{name}" and _NAME.fullmatch(str(name)) is not None
    )


def look_at_images(folder: Path, plan: Plan, stored: Stored, names: Sequence[str]) -> list[Fault]:
    """Find shards that are missing, cut off or of another kind; a few reads each, so another value is not seen."""
    return list(_faults(folder, plan, stored, names, _look))


def check_images(folder: Path, plan: Plan, stored: Stored, names: Sequence[str]) -> list[Fault]:
    """Find all images that are others than those stored; each of them is read."""
    return list(_faults(folder, plan, stored, names, _check))


def read_some(shards: Shards, task: StoredTask, wanted: NDArray[np.int64], found: NDArray[Any]) -> None:
    """Write the images of a task into the rows of those that are wanted."""
    if _is_left_out(shards, task):
        return

    def keeping() -> Iterator[NDArray[Any]]:
        first = task.start
        for block in shards.blocks(task.start):
            here = (wanted >= first) & (wanted < first + len(block))
            found[here] = block[wanted[here] - first]
            first += len(block)
            yield block

    _compare(shards, task, checksum(keeping()))


def _faults(
    folder: Path, plan: Plan, stored: Stored, names: Sequence[str], look: Callable[[Shards, StoredTask], None]
) -> Iterator[Fault]:
    for name in names:
        try:
            shards = open_shards(folder, name, layout_of(plan))
        except DamagedError as error:
            yield from (Fault(task.start, task.stop, str(error)) for task in stored.tasks.values())
            continue
        for task in stored.tasks.values():
            try:
                look(shards, task)
            except DamagedError as error:
                yield Fault(task.start, task.stop, str(error))


def _look(shards: Shards, task: StoredTask) -> None:
    if not _is_left_out(shards, task):
        shards.look(task.start)


def _check(shards: Shards, task: StoredTask) -> None:
    if not _is_left_out(shards, task):
        _compare(shards, task, checksum(shards.blocks(task.start)))


def _is_left_out(shards: Shards, task: StoredTask) -> bool:
    return shards.is_left_out(task.start, _stored(shards, task))


def _compare(shards: Shards, task: StoredTask, found: str) -> None:
    if _stored(shards, task) not in (None, found):
        raise DamagedError(f"{shards.label(task.start)} holds other images than those that were stored")


def _stored(shards: Shards, task: StoredTask) -> str | None:
    """Give the checksum of a task's images, None where the task is of a time before there were any."""
    return None if task.checksums is None else task.checksums.get(shards.name, "")
