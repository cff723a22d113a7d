"""A worker: opens a plan once, and measures one task after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fiberscope.problem import FiberscopeError
from fiberscope.survey.batch import Batch
from fiberscope.survey.measure import Column, Measure, Values
from fiberscope.survey.plan import Opened, Plan
from fiberscope.survey.reopen import reopen
from fiberscope.survey.tasks import Finished, GivenUp, Task, Worker

_LONGEST_ERROR = 500
_LARGEST_WHOLE = 2**53  # numbers that may be not known go as floating ones
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class OpenWorker:
    """Opens a worker of a plan where it is called; the process that made the plan has it open already."""

    plan: Plan
    opened: Opened | None = None

    def __reduce__(self) -> tuple[type[OpenWorker], tuple[Plan]]:
        # To another process goes the plan alone: it opens network and images itself, and compares their hashes.
        return (OpenWorker, (self.plan,))

    def __call__(self) -> Worker:
        """A worker in this process."""
        opened = self.opened or reopen(self.plan)
        return lambda task: measure_task(opened, task)


def measure_task(opened: Opened, task: Task) -> Finished:
    """Every measure at every image of a task.

    A measure that fails on the batch is asked again image by image, so that an image spoils no other, and a measure
    no other; what failed keeps its reason.
    """
    began = time.perf_counter()
    source = opened.scene.source
    places = range(task.start, task.stop)
    try:
        batches = [Batch(opened.scene, task.start, source.read(places))]
        unread: dict[int, str] = {}
    except Exception as error:  # a damaged file among the images
        batches, unread = _read_singly(opened, places, error)
    values: Arrays = {column.name: _nothing(opened, column, len(places)) for _, column in opened.all_columns}
    errors: list[list[str]] = [[unread[place]] if place in unread else [] for place in places]
    labels: list[int | None] = [None] * len(places)
    for batch in batches:
        first = batch.start - task.start
        labels[first : first + len(batch)] = batch.labels
        for measure in opened.measures:
            _fill(values, errors, first, batch, measure, opened.columns[measure.name])
    images = {column.name for _, column in opened.all_columns if column.kind == "image"}
    return Finished(
        task,
        tuple(source.name_of(place) for place in places),
        tuple(labels),
        {name: array for name, array in values.items() if name not in images},
        {name: array for name, array in values.items() if name in images},
        tuple("; ".join(each)[:_LONGEST_ERROR] or None for each in errors),
        time.perf_counter() - began,
    )


def nothing_of(opened: Opened, given_up: GivenUp) -> Finished:
    """Records of a task that was given up: its images with the reason, and nothing measured."""
    task, count = given_up.task, given_up.task.stop - given_up.task.start
    values = {column.name: _nothing(opened, column, count) for _, column in opened.all_columns}
    images = {column.name for _, column in opened.all_columns if column.kind == "image"}
    why = (
        f"engine: given up after {given_up.seconds:.0f} seconds without an answer. To try again: resume with "
        "--retry-failed and a longer --task-timeout, or one of 0 for no limit"
    )
    return Finished(
        task,
        tuple(opened.scene.source.name_of(place) for place in range(task.start, task.stop)),
        (None,) * count,  # to know the labels the images would have to be read
        {name: array for name, array in values.items() if name not in images},
        {name: array for name, array in values.items() if name in images},
        (why,) * count,
        given_up.seconds,
    )


def _read_singly(opened: Opened, places: range, error: Exception) -> tuple[list[Batch], dict[int, str]]:
    batches, unread = [], {}
    for place in places:
        try:
            batches.append(Batch(opened.scene, place, opened.scene.source.read(range(place, place + 1))))
        except Exception as own:
            unread[place] = _words("data", own)
    if not unread:  # it was the number of them
        raise error
    return batches, unread


def _fill(
    values: Arrays,
    errors: list[list[str]],
    first: int,
    batch: Batch,
    measure: Measure,
    columns: Sequence[Column],
) -> None:
    """Write what the measure finds at the batch behind the place ``first``."""
    try:
        found = _checked(measure, columns, measure.compute(batch.scene, batch), batch)
    except Exception as error:
        if len(batch) == 1:
            errors[first].append(_words(measure.name, error))
            return
        for row in range(len(batch)):
            _fill(values, errors, first + row, batch.one(row), measure, columns)
        return
    for name, array in found.items():
        values[name][first : first + len(batch)] = array


def _checked(measure: Measure, columns: Sequence[Column], found: Mapping[str, Values], batch: Batch) -> Arrays:
    if set(found) != {column.name for column in columns}:
        raise FiberscopeError(
            f"gave the columns {', '.join(sorted(found))}, wanted {', '.join(sorted(each.name for each in columns))}"
        )
    arrays = {column.name: _array(column, found[column.name]) for column in columns}
    for column in columns:
        array = arrays[column.name]
        wanted = (len(batch), *(batch.images.shape[1:] if column.kind == "image" else ()))
        if array.shape != wanted:
            raise FiberscopeError(f"gave {column.name} of shape {array.shape}, wanted {wanted}: a value an image")
        if column.kind == "whole" and np.isinf(array).any():
            raise FiberscopeError(f"gave an infinite {column.name}, wanted whole numbers, or NaN where not known")
        if column.kind == "whole" and ((array >= _LARGEST_WHOLE) | (array <= -_LARGEST_WHOLE)).any():
            raise FiberscopeError(
                f"gave a {column.name} of 2^53 or more, of which digits would be lost. Give it as text"
            )
    return arrays


def _array(column: Column, values: Values) -> NDArray[Any]:
    if isinstance(values, Tensor):
        return values.detach().cpu().numpy()
    if column.kind == "text":
        return np.array(values, dtype=object)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _nothing(opened: Opened, column: Column, count: int) -> NDArray[Any]:
    number = np.dtype(opened.plan.dtype)
    if column.kind == "text":
        return np.full(count, None, dtype=object)
    if column.kind == "image":
        return np.full((count, *opened.plan.input_shape), np.nan, dtype=number)
    return np.full(count, np.nan, dtype=number if column.kind == "number" else np.float64)


def _words(what: str, error: Exception) -> str:
    name = "" if isinstance(error, FiberscopeError) else f"{type(error).__name__}: "
    return f"{what}: {name}{' '.join(str(error).split())}"
