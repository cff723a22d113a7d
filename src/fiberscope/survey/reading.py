"""Asking a survey: how far it is, anything in SQL, and tables for other programs; nothing of it is changed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fiberscope.problem import FiberscopeError
from fiberscope.survey.arrays import layout_of
from fiberscope.survey.damage import check_images, image_columns, look_at_images
from fiberscope.survey.database import Database, Rows
from fiberscope.survey.kept import refuse_edited
from fiberscope.survey.lock import is_running
from fiberscope.survey.plan import Plan, read_plan
from fiberscope.survey.store import RECORDS
from fiberscope.survey.stored import Fault, Stored, joined, read_all, read_stored, size
from fiberscope.survey.tables import refuse_odd_tables
from fiberscope.whole_file import write_whole

_MOST_FAILURES = 5
_FEW = 1 << 28  # bytes of images: half a second


class Status(NamedTuple):
    """How far a survey is; ``seconds`` are those of all tasks together, ``failures`` some images with their reasons.

    ``faults`` are images whose records or arrays are damaged, and ``unchecked`` images found before there were
    checksums.
    """

    plan: Plan
    running: bool
    done: int
    failed: int
    tasks_done: int
    seconds: float
    failures: tuple[tuple[str, str], ...]
    faults: tuple[Fault, ...] = ()
    unchecked: int = 0


class Numbers(NamedTuple):
    """A numeric column of the records: a value for each image of the survey, NaN where none is stored."""

    name: str
    unit: str
    meaning: str
    values: NDArray[np.float64]


def open_records(folder: Path, *, argument: str = "out") -> Database:
    """The records of a survey, to be read; they reach nothing else, and are those of its plan.

    Raises FiberscopeError where there are none, the plan was edited, or the tables are others than a survey makes.
    """
    return _open(folder, argument)


def status(folder: Path) -> Status:
    """Tell how far the survey in a folder is, whether or not it runs.

    Images that were found are read to compare their checksums where they are few and nobody writes meanwhile; else
    their files are looked at alone, and `check_survey` reads all.
    """
    return _status(folder, _check_few)


def check_survey(folder: Path) -> Status:
    """Tell how far a survey is as `status` does, and read all images that it found to compare their checksums."""
    if (folder / RECORDS).is_file():
        with open_records(folder) as database:
            read_all(database)
    return _status(folder, check_images)


def _status(folder: Path, look: Callable[[Path, Plan, Stored, Sequence[str]], list[Fault]]) -> Status:
    plan = read_plan(folder)
    if not (folder / RECORDS).is_file():
        return Status(plan, is_running(folder), 0, 0, 0, 0.0, ())
    with open_records(folder) as database:
        stored, names = read_stored(database, plan), image_columns(database)
        seconds = database.ask("SELECT sum(seconds) FROM tasks").rows[0][0] or 0.0
        failures = database.ask(
            "SELECT name, error FROM records WHERE error IS NOT NULL ORDER BY image LIMIT ?", (_MOST_FAILURES,)
        ).rows
    told = tuple((str(name), str(error)) for name, error in failures)
    tasks = tuple(stored.tasks.values())
    faults = joined([*stored.faults, *look(folder, plan, stored, names)])
    old = [task for task in tasks if task.checksums is None and names]
    done, failed, unchecked = size(tasks), sum(task.failed for task in tasks), size(old)
    return Status(plan, is_running(folder), done, failed, len(tasks), float(seconds), told, tuple(faults), unchecked)


def _check_few(folder: Path, plan: Plan, stored: Stored, names: Sequence[str]) -> list[Fault]:
    few = size(stored.tasks.values()) * len(names) * layout_of(plan).image_bytes <= _FEW
    return (check_images if few and not is_running(folder) else look_at_images)(folder, plan, stored, names)


def numbers(folder: Path, *, argument: str = "out") -> tuple[Numbers, ...]:
    """What is measured at each image in numbers, as far as it is stored; the survey may run meanwhile."""
    count = read_plan(folder, argument=argument).images
    with open_records(folder, argument=argument) as database:
        columns = database.ask(
            "SELECT name, unit, meaning FROM columns WHERE type IN ('BIGINT', 'FLOAT', 'DOUBLE') ORDER BY place"
        ).rows
        names = ", ".join(f'"{name}"' for name, _, _ in columns)
        stored = database.numbers(f"SELECT {names} FROM records")
    places = whole_places(stored["image"], argument=argument)
    found = []
    for name, unit, meaning in columns:
        values = np.full(count, np.nan)
        values[places] = stored[name]
        found.append(Numbers(str(name), str(unit), str(meaning), values))
    return tuple(found)


def whole_places(images: NDArray[np.float64], *, argument: str) -> NDArray[np.int64]:
    """Places of records, each of an image of its own; raises FiberscopeError where two are of one."""
    places = images.astype(np.int64)
    if len(np.unique(places)) < len(places):
        raise FiberscopeError(f"{argument}: two records are of one image. Restore records.duckdb; nothing was changed.")
    return places


def query(folder: Path, sql: str, *, most: int | None = None) -> Rows:
    """What a statement of SQL finds in the tables records, columns and tasks; it can change nothing and reach no file.

    Raises FiberscopeError in the database's words, and for what is no question.
    """
    with open_records(folder) as database:
        database.refuse_all_but_questions(sql)
        return database.ask(sql, most=most)


def export(folder: Path, target: Path, *, format: Literal["parquet", "csv"] = "parquet") -> Path:  # noqa: A002
    """Write the records, by image, into a file of their own, and what its columns mean beside it.

    Raises FiberscopeError that names the file where it cannot be written.
    """
    open_records(folder).close()  # whether there are any
    if format not in ("parquet", "csv"):
        raise FiberscopeError(f"format: {format!r} is none. Choose parquet or csv.")
    if target.is_dir():
        raise FiberscopeError(f"to: {target} is a folder. Name a file in it: {target / f'records.{format}'}")
    how = "FORMAT parquet, COMPRESSION zstd" if format == "parquet" else "FORMAT csv, HEADER"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # In a folder of its own with a name that nobody knows: a link that waits under a known one is not followed.
        with TemporaryDirectory(prefix=".fiberscope-", dir=target.parent, ignore_cleanup_errors=True) as own:
            partial = Path(own) / "table"  # the database takes no name but in UTF-8
            with _open(folder, "out", target=partial) as database:
                database.copy("SELECT * FROM records ORDER BY image", how)
                columns = database.ask("SELECT name, measure, type, unit, meaning FROM columns ORDER BY place")
            partial.replace(target)
    except OSError as error:
        raise FiberscopeError(
            f"to: {target} cannot be written ({error.strerror or error}). Name a file in another folder by --to."
        ) from error
    write_whole(_as_csv(columns), target.with_name(f"{target.stem}.columns.csv"))
    return target


def _open(folder: Path, argument: str, *, target: Path | None = None) -> Database:
    plan = read_plan(folder, argument=argument)
    if not (folder / RECORDS).is_file():
        raise FiberscopeError(
            f"{argument}: {folder} has no records yet. Resume it with: fiberscope survey resume --out "
            f"{quote(str(folder))}"
        )
    database = Database(folder / RECORDS, target=target)
    try:
        refuse_odd_tables(database, plan, argument=argument)
        refuse_edited(database, plan, argument=argument)
    except BaseException:
        database.close()
        raise
    return database


def _as_csv(rows: Rows) -> bytes:
    buffer = io.StringIO()
    writer: Any = csv.writer(buffer, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows(rows.rows)
    return buffer.getvalue().encode()
