"""The embedded database of a survey. No other file knows of DuckDB."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fiberscope.problem import FiberscopeError, MissingPackageError
from fiberscope.survey.text_paths import text_path

try:
    import duckdb
except ImportError as missing:
    raise MissingPackageError(
        f"surveys need packages that are not installed ({missing}): pip install 'fiberscope[survey]'"
    ) from missing

# Nothing but its own file: a database from elsewhere, and whoever asks it, reach no other one, no extension and no
# variable of this program. Set before the file is opened, and locked.
_ALONE = {
    "enable_external_access": "false",
    "lock_configuration": "true",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
}
# A block is the least that a column takes of the file: smaller ones than by default halve small surveys, at no cost.
_WRITER = {**_ALONE, "threads": "1", "memory_limit": "512MB", "default_block_size": "65536"}
_READER = {**_ALONE, "threads": "4", "memory_limit": "2GB", "temp_directory": ""}
_EXPORTER = {"threads": "4", "memory_limit": "512MB"}
_LAST = ("enable_external_access", "lock_configuration")  # shut when the target is named, which cannot be done before
_LOOK_AGAIN = 0.01  # seconds
_OF_THE_FILE = (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException, duckdb.InternalException)
_QUESTIONS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_Result = TypeVar("_Result")


class Rows(NamedTuple):
    """What a query found: names of columns, and rows of values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Database:
    """An open connection; DuckDB lets either one process write or several read."""

    def __init__(self, path: Path, *, write: bool = False, target: Path | None = None, patience: float = 60.0):
        """Open the file; whoever has it open meanwhile is waited for, for so many seconds.

        Statements reach no other file, but for ``target``, which `copy` writes; its folder is the caller's own. Raises
        FiberscopeError where it is held longer, or damaged.
        """
        self.path = path
        self._target = None if target is None else text_path(target)
        options = dict(_WRITER if write else _READER)
        if self._target is not None:
            others = {name: value for name, value in _ALONE.items() if name not in _LAST}
            # What memory does not hold goes beside the target: where there is room for that, there is for this.
            options = {**others, **_EXPORTER, "temp_directory": f"{self._target}.spilled"}
        where = text_path(path)  # a whole one: a folder named like a scheme is a folder
        self._connection = _patiently(
            lambda: duckdb.connect(where, read_only=not write, config=dict(options)), path, patience
        )
        if self._target is not None:
            self._allow(self._target)

    def ask(self, sql: str, values: Sequence[object] = (), *, most: int | None = None) -> Rows:
        """What a statement finds, at most so many rows of it; raises FiberscopeError in the database's words."""
        with _told(self.path):
            done = self._connection.execute(sql, list(values))
            if done.description is None:
                return Rows((), ())
            rows = done.fetchall() if most is None else done.fetchmany(most)
            return Rows(tuple(each[0] for each in done.description), tuple(rows))

    def numbers(self, sql: str) -> dict[str, NDArray[np.float64]]:
        """The columns that a statement finds, as arrays; NaN where a cell is empty."""
        with _told(self.path):
            found = self._connection.execute(sql).fetchnumpy()
        return {name: np.ma.filled(np.ma.asarray(column, np.float64), np.nan) for name, column in found.items()}

    def refuse_all_but_questions(self, sql: str) -> None:
        """Raise FiberscopeError for statements of another kind than SELECT and EXPLAIN."""
        with _told(self.path):
            kinds = [statement.type for statement in self._connection.extract_statements(sql)]
        others = [kind.name.replace("_", " ") for kind in kinds if kind not in _QUESTIONS]
        if others or not kinds:
            found = ", ".join(dict.fromkeys(others)) or "none"
            raise FiberscopeError(f"sql: found a statement of kind {found}, wanted SELECT (or WITH, FROM, EXPLAIN).")

    def copy(self, select: str, how: str) -> None:
        """Write what a statement finds into the target; raises OSError where it cannot be written."""
        assert self._target is not None
        try:
            # Not by way of another file beside it: the target alone can be reached.
            with _told(self.path, but=duckdb.IOException):
                self._connection.execute(f"COPY ({select}) TO {_quoted(self._target)} ({how}, USE_TMP_FILE false)")
        except duckdb.IOException as error:
            raise OSError(_first_line(error)) from error

    def insert(self, sql: str, columns: Mapping[str, Any]) -> None:
        """Run an INSERT that selects from ``batch``: arrays of equal length by the names of their columns."""
        with _told(self.path):
            self._connection.register("batch", dict(columns))
            try:
                self._connection.execute(sql)
            finally:
                with suppress(duckdb.Error):  # after a failure nothing can be asked before the rollback
                    self._connection.unregister("batch")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that the block does, or nothing of it."""
        with _told(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
            with _told(self.path):
                self._connection.execute("COMMIT")
        except BaseException:
            self._forget()
            raise

    def close(self) -> None:
        """Let others open the file; whatever was committed is kept, also where the disk is full."""
        self._connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _allow(self, target: str) -> None:
        try:
            with _told(self.path):
                self._connection.execute(f"SET allowed_paths = [{_quoted(target)}]")
                for name in _LAST:
                    self._connection.execute(f"SET {name} = {_ALONE[name]}")
        except BaseException:
            self.close()
            raise

    def _forget(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:
            return  # a database that has refused a write forgets by itself


def _patiently(connect: Callable[[], _Result], path: Path, patience: float) -> _Result:
    end = time.monotonic() + patience
    while True:
        try:
            return connect()
        except duckdb.Error as error:
            if not _is_held(error):
                raise _refusal(path, error) from error
            if time.monotonic() > end:
                raise FiberscopeError(
                    f"{path} is held by another program ({_first_line(error)}). Let that one end, then resume."
                ) from error
        time.sleep(_LOOK_AGAIN)


def _is_held(error: duckdb.Error) -> bool:
    words = str(error)
    return "Could not set lock" in words or "different configuration" in words or "Unique file handle" in words


@contextmanager
def _told(path: Path, *, but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if isinstance(error, but):
            raise
        raise _refusal(path, error) from error
    except RuntimeError as error:
        if "interrupted" in str(error):  # the database's word for Ctrl-C
            raise KeyboardInterrupt from error
        raise


def _refusal(path: Path, error: duckdb.Error) -> FiberscopeError:
    words = str(error)
    if "No space left" in words or "not enough space" in words.lower():
        return FiberscopeError(
            f"{path} cannot be written: the disk is full ({_first_line(error)}). What is stored is kept. Free space, "
            "then resume."
        )
    # of a block whose checksum is wrong the database raises a plain Error
    if isinstance(error, _OF_THE_FILE) or type(error) is duckdb.Error:
        return FiberscopeError(
            f"{path} cannot be read or written ({_first_line(error)}). Where it is damaged, restore it, or move it "
            "away and resume."
        )
    return FiberscopeError(f"sql: {words}")


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
