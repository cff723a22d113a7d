"""The embedded engine: this process, in as many threads as it has cores, each of them with torch on one.

Two such threads take a third of the time of one that lets torch use two (10,000 digits: 5.7 s and 17.6), need no start,
and share network and images. A network that keeps something between calls needs the engine of processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch

from fiberscope.survey.engines.engine import OpenWorkerHere
from fiberscope.survey.tasks import Finished, Task

_AHEAD = 2  # tasks for each worker: one under way, one that waits


@dataclass(frozen=True)
class LocalEngine:
    """So many threads of this process."""

    workers: int
    shares_memory: ClassVar[bool] = True

    def run(self, tasks: Iterable[Task], open_worker: OpenWorkerHere, *, threads: int) -> Iterator[Finished]:
        """Each task once, as they are done."""
        worker = open_worker()
        with _torch_on(threads):
            if self.workers == 1:
                yield from map(worker, tasks)
                return
            # A thread has the number of torch's threads for its own.
            pool = ThreadPoolExecutor(self.workers, initializer=lambda: torch.set_num_threads(threads))
            waiting: set[Future[Finished]] = set()
            try:
                for task in tasks:
                    waiting.add(pool.submit(worker, task))
                    if len(waiting) >= _AHEAD * self.workers:
                        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                        yield from (each.result() for each in done)
                while waiting:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (each.result() for each in done)
            except BaseException:
                # Nobody takes what is under way any more, and a task may be long: its thread ends by itself.
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            pool.shutdown()


@contextmanager
def _torch_on(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
