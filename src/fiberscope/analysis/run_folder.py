"""The folder of a run: it holds one result, each file whole, and nothing is overwritten unasked."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fiberscope.problem import FiberscopeError
from fiberscope.whole_file import write_whole

PROVENANCE = "provenance.json"


@dataclass(frozen=True)
class RunFolder:
    """A folder that can be written; ``earlier`` are the files of the run whose result is to be replaced.

    They stay until the new result is whole: `write_provenance` removes them.
    """

    path: Path
    earlier: tuple[str, ...] = ()

    def write(self, name: str, content: bytes) -> Path:
        """Write a file of the run, whole or not at all; raises FiberscopeError when the disk refuses it."""
        write_whole(content, self.path / name)
        return self.path / name

    def remove(self, name: str) -> None:
        """Remove a file of the run, if it is there."""
        (self.path / name).unlink(missing_ok=True)


def open_folder(path: Path, *, force: bool = False) -> RunFolder:
    """Make the folder ready for a run; ``force`` allows it to replace the result of an earlier one, no other file.

    Raises FiberscopeError when the folder holds anything and force is not given, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise FiberscopeError(f"out: {path} is a file, wanted a folder. Name another one.")
    try:
        path.mkdir(parents=True, exist_ok=True)
        _refuse_what_is_there(path, force=force)
        tempfile.TemporaryFile(dir=path).close()
        return RunFolder(path, _files_of_earlier_run(path))
    except OSError as error:
        raise FiberscopeError(
            f"out: folder {path} cannot be written ({error.strerror}: {error.filename}). Name another one."
        ) from error


def _refuse_what_is_there(path: Path, *, force: bool) -> None:
    there = sorted(file.name for file in path.iterdir() if not file.name.startswith("."))
    if there and not force:
        shown = ", ".join(there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
        raise FiberscopeError(
            f"out: folder {path} already holds {shown}. Name another folder, or give --force to replace the "
            "result of the run that wrote there."
        )


def _files_of_earlier_run(path: Path) -> tuple[str, ...]:
    try:
        names = [str(name) for name in json.loads((path / PROVENANCE).read_bytes())["files"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return ()
    # A list that someone edited must not reach out of the folder.
    inside = path.resolve()
    return tuple(name for name in names if (path / name).resolve().parent.is_relative_to(inside))
