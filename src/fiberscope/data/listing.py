"""The files of a folder that hold pictures, and the names of files as text."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from fiberscope.data.picture import READABLE, is_picture
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

_JUNK = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "$recycle.bin"})
# Words about pictures, which nobody takes for pictures: they stay beside them without a warning.
_WORDS = frozenset({".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".xml", ".html", ".pdf"})
_NAMED = 5


def listed(folder: Path) -> list[Path]:
    """List what lies in a folder, sorted, without what systems leave there: hidden files, `__MACOSX`, `Thumbs.db`."""
    try:
        return sorted(
            path for path in folder.iterdir() if not (path.name.startswith(".") or path.name.lower() in _JUNK)
        )
    except OSError as error:
        raise FiberscopeError(
            f"folder {plain_name(folder)} cannot be read ({error}); check that it is yours to read"
        ) from error


def image_files(folder: Path) -> list[Path]:
    """List the pictures of a folder, sorted, without what systems leave there (`._x`, `__MACOSX`, `Thumbs.db`).

    Warns of what lies beside them and is not read, and names it. Raises FiberscopeError where there is no picture.
    """
    there = listed(folder)
    files = [path for path in there if path.suffix.lower() not in _WORDS and is_picture(path)]
    known = set(files)
    left = [path for path in there if path not in known and path.suffix.lower() not in _WORDS]
    if not files:
        beside = f" but {some_names(left)}" if left else ""
        raise FiberscopeError(
            f"folder {plain_name(folder)} holds no picture of {READABLE}{beside}; put some into it, or name "
            "another folder or a "
            "file (of a folder with a folder for each class, name one, or give it as labelled images)"
        )
    if left:
        warnings.warn(
            f"folder {plain_name(folder)}: {some_names(left)} cannot be read as pictures and are left out", stacklevel=2
        )
    return files


def is_archive(path: Path) -> bool:
    """Whether the file is to be read as an npz archive: by what it begins with, or by its suffix."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06") or path.suffix.lower() == ".npz"


def some_names(paths: Sequence[Path]) -> str:
    """Name a few of the files, and count the others."""
    some = ", ".join(plain_name(path.name) + ("/" if path.is_dir() else "") for path in paths[:_NAMED])
    return f"{some} and {len(paths) - _NAMED} more" if len(paths) > _NAMED else some
