"""Tables for other programs: the same rows as CSV and as JSON, with the meaning of each column."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from fiberscope.problem import FiberscopeError

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Records:
    """Rows under named columns; ``columns`` gives the meaning, with its unit, of each name.

    Raises `FiberscopeError` for a row that has not one value a column.
    """

    columns: Mapping[str, str]
    rows: tuple[tuple[Value, ...], ...]

    def __post_init__(self) -> None:
        """Check that the table is a rectangle."""
        wrong = [len(row) for row in self.rows if len(row) != len(self.columns)]
        if wrong:
            raise FiberscopeError(f"rows: found one of {wrong[0]} values, wanted {len(self.columns)}: one a column.")


def to_csv(records: Records) -> bytes:
    """Names in the first line; what is not a number or not known is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(records.columns)
    writer.writerows(["" if _is_missing(value) else value for value in row] for row in records.rows)
    return buffer.getvalue().encode()


def to_json(records: Records) -> bytes:
    """An object of ``columns``, with their meaning, and ``rows``, each an object; null where a value is not known."""
    names = list(records.columns)
    rows = [
        {name: None if _is_missing(value) else value for name, value in zip(names, row, strict=True)}
        for row in records.rows
    ]
    return (json.dumps({"columns": dict(records.columns), "rows": rows}, indent=1, allow_nan=False) + "\n").encode()


def _is_missing(value: Value) -> bool:
    # JSON has no word for infinity either; columns that can be unbounded say so in one of their own.
    return value is None or (isinstance(value, float) and not math.isfinite(value))
