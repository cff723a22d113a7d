"""The records of a survey on disk: a row an image in a database, images in arrays, written by one process only."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from fiberscope.survey.arrays import Layout, layout_of, make_arrays, write_arrays
from fiberscope.survey.database import Database, Rows
from fiberscope.survey.kept import keep_plan
from fiberscope.survey.measure import Column
from fiberscope.survey.plan import Opened
from fiberscope.survey.tasks import Finished

RECORDS = "records.duckdb"
COMPLETE, FAILED = "complete", "failed"
BASE = (
    Column("image", "whole", "", "place of the image in the data, from 0"),
    Column("name", "text", "", "name of the image"),
    Column("label", "whole", "", "class that its label says; empty if it has none"),
)
LAST = (
    Column("outcome", "text", "", f"{COMPLETE}, or {FAILED} where a measure could not be computed"),
    Column("error", "text", "", "which measure failed, and why; empty if none did"),
)
_LONGEST_OPEN = 1.0  # seconds; then others get their turn to read. To close and open again takes 40 ms
_TABLES = """
CREATE TABLE records ({records});
CREATE TABLE columns (place INTEGER, name VARCHAR, measure VARCHAR, type VARCHAR, unit VARCHAR, meaning VARCHAR,
    main BOOLEAN);
CREATE TABLE tasks (task BIGINT, start BIGINT, stop BIGINT, failed BIGINT, seconds DOUBLE, finished_at VARCHAR,
    checksums VARCHAR);
"""
# Surveys of old have none: their tasks keep an empty cell.
_CHECKSUMS = "ALTER TABLE tasks ADD COLUMN IF NOT EXISTS checksums VARCHAR"
_TASK = """
INSERT INTO tasks (task, start, stop, failed, seconds, finished_at, checksums)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


@dataclass
class Store:
    """Writes finished tasks, each whole or not at all; it closes the database a second after it opened it, for readers.

    Whoever holds one also holds the folder's lock.
    """

    folder: Path
    types: Mapping[str, str]
    layout: Layout
    _database: Database | None = field(default=None, init=False)
    _wrote_at: float = field(default=-1e9, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _alarm: threading.Timer | None = field(default=None, init=False)

    def write(self, finished: Finished) -> None:
        """Store a task in place of what is there of it: arrays first, then records and the word that it is done.

        Raises FiberscopeError when the disk refuses it; nothing of what was stored is lost then.
        """
        checksums = write_arrays(self.folder, self.layout, finished.images, start=finished.task.start)
        with self._lock:
            self._put(finished, checksums)
            now = time.monotonic()
            # Where tasks take long, the next one would come late: whoever asks must not wait for a second each time.
            if now - self._wrote_at > _LONGEST_OPEN:
                self._shut()
            self._wrote_at = now

    def ask(self, sql: str) -> Rows:
        """What a statement finds in what is stored."""
        with self._lock:
            return self._open().ask(sql)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._shut()

    def _put(self, finished: Finished, checksums: Mapping[str, str]) -> None:
        task, database = finished.task, self._open()
        failed = sum(error is not None for error in finished.errors)
        with database.transaction():
            # A task that is computed again replaces itself, and whatever else says that its images are done.
            database.ask("DELETE FROM records WHERE image >= ? AND image < ?", (task.start, task.stop))
            database.ask("DELETE FROM tasks WHERE stop > ? AND start < ?", (task.start, task.stop))
            database.insert(self._insert(), _columns(finished))
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            sums = json.dumps(checksums)
            database.ask(_TASK, (task.number, task.start, task.stop, failed, finished.seconds, now, sums))

    def _open(self) -> Database:
        if self._database is None:
            self._database = Database(self.folder / RECORDS, write=True)
            self._database.ask(_CHECKSUMS)
            # Not left to the next write: after many short tasks may come a long one, with readers waiting for it.
            self._alarm = threading.Timer(_LONGEST_OPEN, close_quietly, [self])
            self._alarm.daemon = True
            self._alarm.start()
        return self._database

    def _shut(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        database, self._database, self._alarm = self._database, None, None
        if database is not None:
            database.close()

    def _insert(self) -> str:
        names = ", ".join(f'"{name}"' for name in self.types)
        return (
            f"INSERT INTO records ({names}) SELECT {', '.join(_cast(*each) for each in self.types.items())} FROM batch"
        )


def make_store(opened: Opened, folder: Path) -> Store:
    """Opens the store of a survey, with its tables and arrays; those that are there stay."""
    plan = opened.plan
    columns = (*(("survey", each) for each in BASE), *opened.all_columns, *(("survey", each) for each in LAST))
    types = {column.name: _type(column, plan.dtype) for _, column in columns if column.kind != "image"}
    images = [column.name for _, column in columns if column.kind == "image"]
    make_arrays(folder, images, layout_of(plan))
    path = folder / RECORDS
    if not path.exists():
        # Made beside and renamed: killed at any moment, the database is there whole or not at all.
        partial = path.with_name(f".{RECORDS}.partial")
        for leftover in (partial, partial.with_name(f"{partial.name}.wal")):
            leftover.unlink(missing_ok=True)
        with Database(partial, write=True) as database, database.transaction():
            database.ask(_TABLES.format(records=", ".join(f'"{name}" {kind}' for name, kind in types.items())))
            keep_plan(database, plan)
            for place, (measure, column) in enumerate(columns):
                kind = types.get(column.name, f"arrays.zarr/{column.name}")
                values = (place, column.name, measure, kind, column.unit, column.meaning, column.main)
                database.ask("INSERT INTO columns VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        partial.replace(path)
    else:
        with Database(path, write=True) as database, database.transaction():
            keep_plan(database, plan)
    return Store(folder, types, layout_of(plan))


def _columns(finished: Finished) -> dict[str, Any]:
    task = finished.task
    labels = [np.nan if label is None else label for label in finished.labels]
    return {
        "image": np.arange(task.start, task.stop),
        "name": np.array(finished.names, dtype=object),
        "label": np.array(labels, dtype=np.float64),
        **finished.columns,
        "outcome": np.array([COMPLETE if error is None else FAILED for error in finished.errors], dtype=object),
        "error": np.array(finished.errors, dtype=object),
    }


def _type(column: Column, dtype: str) -> str:
    number = "FLOAT" if dtype == "float32" else "DOUBLE"
    return {"whole": "BIGINT", "text": "VARCHAR", "number": number}[column.kind]


def _cast(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f'CAST("{name}" AS VARCHAR)'
    # Numbers that are not known are empty cells: SQL leaves these out of its means and quantiles, and NaN not.
    return f"CAST(nullif(CAST(\"{name}\" AS DOUBLE), 'nan'::DOUBLE) AS {kind})"


def close_quietly(store: Store) -> None:
    """Close after a failure that is told already."""
    with suppress(Exception):
        store.close()
