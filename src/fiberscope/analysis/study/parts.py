"""A few images at a time, so that what is computed at each of them fits the memory."""

from __future__ import annotations

from collections.abc import Iterator

_AT_A_TIME = 16


def parts(count: int) -> Iterator[slice]:
    """Slices that cover so many rows."""
    return (slice(start, min(start + _AT_A_TIME, count)) for start in range(0, count, _AT_A_TIME))
