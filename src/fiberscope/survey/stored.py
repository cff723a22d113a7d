"""The records that are stored of a survey, matched with its plan by the places of the images and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fiberscope.problem import FiberscopeError
from fiberscope.survey.database import Database
from fiberscope.survey.plan import Plan


class Fault(NamedTuple):
    """Something wrong with what is stored, and the images that it costs: from ``start`` to the one before ``stop``."""

    start: int
    stop: int
    words: str

    def __str__(self) -> str:
        many = self.stop - self.start > 1
        return f"{f'images {self.start} to {self.stop - 1}' if many else f'image {self.start}'}: {self.words}"


class StoredTask(NamedTuple):
    """A task that is done: its images, how many failed, and checksums of what it found, None where it has none."""

    start: int
    stop: int
    failed: int
    checksums: Mapping[str, str] | None


class Stored(NamedTuple):
    """Tasks whose records are whole, by their first image, and what is wrong with others."""

    tasks: Mapping[int, StoredTask]
    faults: tuple[Fault, ...]

    def without(self, faults: Sequence[Fault]) -> Stored:
        """The same without the tasks of these faults."""
        spoilt = {fault.start for fault in faults}
        kept = {start: task for start, task in self.tasks.items() if start not in spoilt}
        return Stored(kept, (*self.faults, *faults))


def read_stored(database: Database, plan: Plan) -> Stored:
    """Match tasks and records with the plan: a task counts where the plan has it and each of its images a record.

    Raises FiberscopeError for places that the plan does not have: the records are those of another survey.
    """
    records = database.numbers("SELECT image, error IS NOT NULL AS failed FROM records")
    images, failed = records["image"], records["failed"]
    tasks = _tasks(database)
    beyond = [place for place in (images.max(initial=0), *(task.stop - 1 for task in tasks)) if place >= plan.images]
    if beyond or np.isnan(images).any() or images.min(initial=0) < 0 or any(task.start < 0 for task in tasks):
        what = f"image {beyond[0]:.0f}" if beyond else "an image without a place"
        raise FiberscopeError(
            f"{database.path} has {what}, and the plan beside it {plan.images} images, from place 0 on. They do not "
            "belong together: restore the one or the other."
        )
    # By the images that have records: a plan from elsewhere may say that there are any number.
    places, inverse, counts = np.unique(images.astype(np.int64), return_inverse=True, return_counts=True)
    failures = np.bincount(inverse, weights=failed, minlength=len(places))
    edges = np.searchsorted(places, [(task.start, task.stop) for task in tasks]).reshape(-1, 2)
    kept: dict[int, StoredTask] = {}
    faults, bare = [], np.ones(len(places), dtype=bool)
    for task, (first, last) in zip(tasks, edges.tolist(), strict=True):
        bare[first:last] = False
        wrong = _misfit(plan, task, counts[first:last], is_there=task.start in kept)
        if wrong is None:
            kept[task.start] = task._replace(failed=int(failures[first:last].sum()))
        else:
            kept.pop(task.start, None)
            faults.append(Fault(task.start, task.stop, wrong))
    return Stored(kept, (*faults, *_without_task(places[bare])))


def read_all(database: Database) -> None:
    """Read every cell of the records, so that a damaged block is told; raises FiberscopeError for one."""
    database.ask("SELECT bit_xor(hash(records)) FROM records")


def joined(faults: Iterable[Fault]) -> list[Fault]:
    """Faults in the order of the images, neighbours of one kind as one."""
    found: list[Fault] = []
    for fault in sorted(faults):
        if found and found[-1].words == fault.words and found[-1].stop >= fault.start:
            found[-1] = Fault(found[-1].start, max(found[-1].stop, fault.stop), fault.words)
        else:
            found.append(fault)
    return found


def size(tasks: Iterable[StoredTask]) -> int:
    """Count the images of tasks."""
    return sum(task.stop - task.start for task in tasks)


def _tasks(database: Database) -> list[StoredTask]:
    asked = "SELECT column_name FROM system.main.duckdb_columns() WHERE table_name = 'tasks' AND NOT internal"
    checksums = "checksums" if ("checksums",) in database.ask(asked).rows else "NULL"
    rows = database.ask(f"SELECT start, stop, {checksums} FROM tasks ORDER BY start, stop").rows
    found = []
    for start, stop, sums in rows:
        if not (isinstance(start, int) and isinstance(stop, int)):
            raise FiberscopeError(f"{database.path} has a task without its images: it was damaged. Restore it.")
        found.append(StoredTask(start, stop, 0, None if sums is None else _parsed(str(sums))))
    return found


def _parsed(checksums: str) -> dict[str, str]:
    """Read checksums by their columns; none fits any image where they cannot be read."""
    try:
        found = json.loads(checksums)
    except (ValueError, RecursionError):
        return {}
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _misfit(plan: Plan, task: StoredTask, counts: NDArray[np.int64], *, is_there: bool) -> str | None:
    if task.start % plan.batch_size or task.stop != min(task.start + plan.batch_size, plan.images):
        return "stored by a task that the plan does not have"
    if is_there:
        return "stored by two tasks"
    missing = task.stop - task.start - len(counts)
    if missing > 0:
        return f"{missing} records are missing"
    return "records are there more than once" if (counts > 1).any() else None


def _without_task(places: NDArray[np.int64]) -> list[Fault]:
    words = "there are records, but no task that says they are done"
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [Fault(int(run[0]), int(run[-1]) + 1, words) for run in runs if len(run)]
