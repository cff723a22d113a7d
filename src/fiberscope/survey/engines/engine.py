"""An engine: where tasks are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

from fiberscope.survey.tasks import Finished, GivenUp, Task, Worker

OpenWorkerHere = Callable[[], Worker]
"""Opens a worker in the process that calls it; can be pickled."""


@runtime_checkable
class Engine(Protocol):
    """Runs tasks, in whatever order, and hands them back as they are done.

    No more tasks are taken, and no more results wait, than a small number for each worker: whoever iterates sets the
    pace.
    """

    @property
    def shares_memory(self) -> bool:
        """Whether workers are of this process, and know whatever it knows."""
        ...

    def run(self, tasks: Iterable[Task], open_worker: OpenWorkerHere, *, threads: int) -> Iterator[Finished | GivenUp]:
        """Each task once, computed on so many threads, or given up where it takes longer than it may."""
        ...
