"""The memory that a file may take beside its own size."""

from __future__ import annotations

import os
from pathlib import Path

from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

VARIABLE = "FIBERSCOPE_MAX_BYTES"
_DEFAULT = 2**30


def refuse_large(path: Path, needed: int, max_bytes: int | None) -> None:
    """Refuse a file that would take `needed` bytes, more than its own size and `max_bytes` together.

    None takes the environment variable FIBERSCOPE_MAX_BYTES, by default 1 GiB.
    """
    limit = _default() if max_bytes is None else max_bytes
    if limit < 0:
        raise FiberscopeError(f"max_bytes is {limit}; it counts bytes of memory, so give 0 or more")
    if needed > limit + path.stat().st_size:
        raise FiberscopeError(
            f"{plain_name(path)} would take {needed} bytes of memory, more than its own size and the limit of "
            f"{limit} together: "
            f"where you know that it is right, raise the limit by {VARIABLE}={needed} in the environment, in Python "
            f"also by max_bytes={needed}"
        )


def read_whole(path: Path, max_bytes: int | None) -> bytes:
    """Read the bytes of a file, of which readers make up to three copies; raises FiberscopeError that names it."""
    try:
        refuse_large(path, 4 * path.stat().st_size, max_bytes)
        return path.read_bytes()
    except OSError as error:
        raise FiberscopeError(f"{plain_name(path)} cannot be read ({error}); check that it is yours to read") from error


def _default() -> int:
    words = os.environ.get(VARIABLE, "")
    if not words:
        return _DEFAULT
    if not (words.isascii() and words.isdecimal() and len(words) < 20):
        raise FiberscopeError(f"{VARIABLE} is {words!r}; it counts bytes of memory, so give a whole number")
    return int(words)
