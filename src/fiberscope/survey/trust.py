"""Python files that a plan names, which run with the user's rights when its network or measures are opened.

Those that the user named on a command line, or trusted once, are remembered by path and hash; others are not run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_state_path

from fiberscope.problem import FiberscopeError
from fiberscope.survey.plan import Plan, read_plan
from fiberscope.survey.plan_fields import HUBS
from fiberscope.whole_file import write_whole

ENVIRONMENT = "FIBERSCOPE_TRUSTED"
"""Names another file than that of the user's state, to remember trusted files in."""

_LARGEST, _MOST = 1 << 20, 2000  # bytes of the file, files remembered


class PythonFile(NamedTuple):
    """A file of Python that a survey runs, and the hash of what it holds now."""

    path: Path
    sha256: str


def python_files(plan: Plan) -> tuple[PythonFile, ...]:
    """The files that opening a plan would run, each once: of its network, its measures and its judges.

    One that is not there is left out: whoever opens it is told.
    """
    specs = [spec for spec in (plan.model, *plan.judges) if not spec.startswith(HUBS)]
    named = [Path(spec.rpartition(":")[0]) for spec in (*specs, *plan.measures) if ".py:" in spec]
    paths = dict.fromkeys(path.resolve() for path in named if path.is_file())
    return tuple(PythonFile(path, _hash(path)) for path in paths)


def files_to_trust(folder: Path, *, argument: str = "out") -> tuple[PythonFile, ...]:
    """The Python files that resuming a survey would run, and that the user has not trusted as they are now.

    Raises FiberscopeError where there is no survey.
    """
    return strangers(read_plan(folder, argument=argument))


def strangers(plan: Plan) -> tuple[PythonFile, ...]:
    """Those of a plan's files that the user has not trusted as they are now."""
    known = set(_remembered())
    return tuple(file for file in python_files(plan) if _key(file) not in known)


def remember(files: Iterable[PythonFile]) -> None:
    """Trust these files, as they are now, from now on; where that cannot be written, it is asked again."""
    known = dict.fromkeys(_remembered())
    added = [key for key in map(_key, files) if key not in known]
    if added:
        rows = [*known, *added][-_MOST:]
        content = json.dumps([{"path": path, "sha256": sha256} for path, sha256 in rows], indent=1)
        try:
            write_whole(f"{content}\n".encode(), _place())
        except FiberscopeError:
            return


def refuse_strangers(plan: Plan, *, argument: str, again: str) -> None:
    """Raise FiberscopeError that shows each file which would run and is not trusted, and how to trust it."""
    found = strangers(plan)
    if found:
        told = "; ".join(f"{file.path} (SHA-256 {file.sha256})" for file in found)
        raise FiberscopeError(
            f"{argument}: the survey runs Python code that you have not trusted: {told}. Nothing was run. Read it, and "
            f"what it imports from its folder; if it may run with your rights, say so: {again}"
        )


def _remembered() -> list[tuple[str, str]]:
    """What is remembered, as far as it can be read: a file that is damaged trusts nothing."""
    try:
        with _place().open("rb") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return []
    rows = found if isinstance(found, list) else []
    pairs = [(row.get("path"), row.get("sha256")) for row in rows if isinstance(row, dict)]
    return [(path, sha256) for path, sha256 in pairs if isinstance(path, str) and isinstance(sha256, str)]


def _key(file: PythonFile) -> tuple[str, str]:
    return str(file.path), file.sha256


def _place() -> Path:
    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else user_state_path("fiberscope") / "trusted.json"


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "it cannot be read"
