"""Tasks: fixed runs of neighbouring images, and what has been measured at one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray


class Task(NamedTuple):
    """The images from the place ``start`` to the one before ``stop``."""

    number: int
    start: int
    stop: int


class Finished(NamedTuple):
    """A task with its names, labels, and a value an image in each column; NaN or None where it is not known.

    ``images`` are the columns of kind image. ``errors`` say for each image what could not be computed and why, or None.
    """

    task: Task
    names: tuple[str, ...]
    labels: tuple[int | None, ...]
    columns: Mapping[str, NDArray[Any]]
    images: Mapping[str, NDArray[Any]]
    errors: tuple[str | None, ...]
    seconds: float


class GivenUp(NamedTuple):
    """A task that took longer than it may: so many seconds."""

    task: Task
    seconds: float


Worker = Callable[[Task], Finished]
"""What an engine calls for each task; it never raises for what a single image does."""


def cut(count: int, size: int) -> Sequence[Task]:
    """Tasks of so many images each, the last with the rest; made when they are asked for."""
    return _Tasks(count, size)


class _Tasks(Sequence[Task]):
    def __init__(self, count: int, size: int):
        self._count, self._size = count, size

    def __len__(self) -> int:
        return (self._count + self._size - 1) // self._size

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[place] for place in range(len(self))[number]]
        if not 0 <= number < len(self):
            raise IndexError(number)
        start = number * self._size
        return Task(number, start, min(start + self._size, self._count))
