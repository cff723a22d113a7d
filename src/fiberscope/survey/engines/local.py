"""The embedded engine: this process, in as many threads as it has cores, each of them with torch on one.

Two such threads take a third of the time of one that lets torch use two (10,000 digits: 5.7 s and 17.6), need no start,
and share network and images. A network that keeps something between calls needs the engine of processes.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from fiberscope.survey.engines.engine import OpenWorkerHere
from fiberscope.survey.engines.patience import Patience
from fiberscope.survey.tasks import Finished, GivenUp, Task, Worker

THREAD = "fiberscope-survey"
"""Name of the threads that compute; one that hangs is still there when the survey is over."""

_AHEAD = 2  # tasks for each worker: one under way, one that waits
_LOOK = 0.2  # seconds between looks for threads that hang


@dataclass(frozen=True)
class LocalEngine:
    """A number of threads of this process. A thread cannot be killed: one that hangs is left to itself."""

    workers: int
    task_timeout: float | None = None
    shares_memory: ClassVar[bool] = True

    def run(self, tasks: Iterable[Task], open_worker: OpenWorkerHere, *, threads: int) -> Iterator[Finished | GivenUp]:
        """Each task once, as they are done; one that takes too long is given up, and another thread goes on."""
        worker = open_worker()
        with _torch_on(threads):
            pool = _Threads(worker, threads, Patience(self.task_timeout))
            try:
                for _ in range(self.workers):
                    pool.start()
                yield from pool.work_off(iter(tasks), most=_AHEAD * self.workers)
            finally:
                pool.dismiss()


@dataclass(eq=False)
class _Member:
    """A thread, and the task that it is at since when."""

    under_way: tuple[Task, float] | None = None
    is_left: bool = False


@dataclass(eq=False)
class _Threads:
    worker: Worker
    threads: int
    patience: Patience
    todo: queue.SimpleQueue[Task | None] = field(default_factory=queue.SimpleQueue)
    done: queue.SimpleQueue[tuple[float, Finished | BaseException]] = field(default_factory=queue.SimpleQueue)
    members: list[_Member] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)  # what a thread is at, and whether it is left

    def start(self) -> None:
        member = _Member()
        self.members.append(member)
        # A daemon, or the one that hangs would keep the process from its end.
        threading.Thread(target=self._work, args=(member,), name=THREAD, daemon=True).start()

    def work_off(self, tasks: Iterator[Task], *, most: int) -> Iterator[Finished | GivenUp]:
        waiting, more = 0, True
        while True:
            while more and waiting < most:
                task = next(tasks, None)
                if task is None:
                    more = False
                else:
                    self.todo.put(task)
                    waiting += 1
            if not waiting:
                return
            for each in self._next():
                waiting -= 1
                yield each

    def dismiss(self) -> None:
        """Let all go: who is at a task ends with it, and nobody takes what was found."""
        with self.lock:
            for member in self.members:
                member.is_left = True
        for _ in self.members:
            self.todo.put(None)

    def _next(self) -> Iterator[Finished | GivenUp]:
        """Wait for the next task that is done, or for those that have had their time."""
        while True:
            try:
                since, found = self.done.get(timeout=_LOOK)
            except queue.Empty:
                late = self._give_up()
                if late:
                    yield from late
                    return
                continue
            if isinstance(found, BaseException):
                raise found
            self.patience.learn(since)
            yield found
            return

    def _give_up(self) -> list[Finished | GivenUp]:
        given_up: list[Finished | GivenUp] = []
        with self.lock:
            for member in list(self.members):
                at = member.under_way
                if at is not None and self.patience.is_over(at[1]):
                    member.is_left = True
                    self.members.remove(member)
                    given_up.append(GivenUp(at[0], time.monotonic() - at[1]))
        for _ in given_up:
            self.start()
        return given_up

    def _work(self, member: _Member) -> None:
        torch.set_num_threads(self.threads)  # a thread has the number of torch's threads for its own
        while (task := self.todo.get()) is not None:
            since = time.monotonic()
            with self.lock:
                if member.is_left:
                    return
                member.under_way = (task, since)
            found: Finished | BaseException
            try:
                found = self.worker(task)
            except BaseException as error:
                found = error
            with self.lock:
                if member.is_left:
                    return
                member.under_way = None
                self.done.put((since, found))


@contextmanager
def _torch_on(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
