"""Paths for programs that take UTF-8 alone: folders may have any bytes for a name."""

from __future__ import annotations

import os
from pathlib import Path

from fiberscope.plain_text import plain_name
from fiberscope.problem import FiberscopeError

_HANDLES = Path("/proc/self/fd")
_kept: dict[tuple[int, int], int] = {}  # a handle for each folder that needs one


def text_path(path: Path) -> str:
    """Return the whole path of a file, or where that is no UTF-8 one by way of an open handle of its folder.

    A file has one such path as long as the process lives. Raises FiberscopeError where the system has no handles by
    name, and OSError for a folder that is not there.
    """
    whole = str(path.absolute())
    if _is_text(whole):
        return whole
    if not (_HANDLES.is_dir() and _is_text(path.name)):
        raise FiberscopeError(
            f"out: {plain_name(path)} is no name in UTF-8, and the database takes no other. Name another folder."
        )
    found = os.stat(path.parent)
    key = found.st_dev, found.st_ino
    if key not in _kept:  # kept open, so the folder's number is not given to another one
        _kept[key] = os.open(path.parent, os.O_RDONLY)
    return str(_HANDLES / str(_kept[key]) / path.name)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
