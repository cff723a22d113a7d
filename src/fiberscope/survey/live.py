"""Medians of what a survey has found so far, asked of its own store now and then while it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from fiberscope.survey.plan import Opened
from fiberscope.survey.store import Store

_FIRST, _EVERY = 10.0, 30.0  # seconds
_MOST = 3  # a measure of more main columns would fill the screen
_SAMPLE = 20_000  # records: a median holds all its values, and the writer must not run out of memory over it

Medians = tuple[tuple[str, float], ...]


def live_columns(opened: Opened) -> tuple[str, ...]:
    """The main columns of numbers of every measure that has a few of them."""
    main = [
        [column.name for column in columns if column.main and column.kind in ("number", "whole")]
        for columns in opened.columns.values()
    ]
    return tuple(name for names in main if len(names) <= _MOST for name in names)


@dataclass
class Live:
    """Says now and then what has been found; the store is the caller's own, for no other may read while it writes."""

    store: Store
    columns: Sequence[str]
    _next: float = field(default_factory=lambda: time.monotonic() + _FIRST, init=False)

    def medians(self) -> Medians:
        """The median of each column over all records, of many over a sample; nothing where it was said just before."""
        if not self.columns or time.monotonic() < self._next:
            return ()
        self._next = time.monotonic() + _EVERY
        asked = ", ".join(f'median("{name}")' for name in self.columns)
        some = f"(SELECT * FROM records USING SAMPLE reservoir({_SAMPLE} ROWS) REPEATABLE (0))"
        found = self.store.ask(f"SELECT {asked} FROM {some}").rows[0]
        return tuple((name, float(value)) for name, value in zip(self.columns, found, strict=True) if value is not None)
