"""Columns by which images can be sorted: one number an image, from the scene itself or from a table of a run."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fiberscope.problem import FiberscopeError

_MOST_COLUMNS = 64


class Column(NamedTuple):
    """A number for each image, NaN where it is not known, what it means, and its unit where it has one."""

    name: str
    meaning: str
    values: NDArray[np.float64]
    unit: str = ""


def read_columns(path: Path, names: Sequence[str]) -> tuple[Column, ...]:
    """The numeric columns of a CSV table that has a row an image, under ``image`` (its name) or ``index``.

    Where an image has several rows, the mean counts. Raises `FiberscopeError` for a table that names no image of these.
    """
    if path.is_dir():
        raise FiberscopeError(f"records: {path} is a folder. A survey is opened by --survey; give a CSV table here.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FiberscopeError(
            f"records: {path} cannot be read ({error}). Give a CSV table of an earlier run."
        ) from None
    key = next((key for key in ("image", "index") if rows and key in rows[0]), None)
    if key is None:
        raise FiberscopeError(f"records: {path} has no column image or index, so its rows name no image.")
    places = {name: place for place, name in enumerate(names)} | {str(i): i for i in range(len(names))}
    known = [(places[row[key]], row) for row in rows if row[key] in places]
    if not known:
        raise FiberscopeError(f"records: no row of {path} names one of the images here, such as {names[0]!r}.")
    titles = [title for title in rows[0] if title and title != key][:_MOST_COLUMNS]
    columns = (_column(title, path.stem, known, len(names)) for title in titles)
    return tuple(column for column in columns if bool(np.isfinite(column.values).any()))


def add_columns(known: Sequence[Column], more: Sequence[Column], table: str) -> tuple[Column, ...]:
    """All of them; one whose name is taken says which table it is of."""
    taken = {column.name for column in known}
    told = (each._replace(name=f"{each.name} ({table})") if each.name in taken else each for each in more)
    return (*known, *told)


def _column(title: str, table: str, rows: Sequence[tuple[int, dict[str, str]]], count: int) -> Column:
    sums, counts = np.zeros(count), np.zeros(count)
    for place, row in rows:
        value = _as_number(row[title])
        if math.isfinite(value):
            sums[place] += value
            counts[place] += 1
    values = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return Column(title, f"{title} of table {table}", values)


def _as_number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
