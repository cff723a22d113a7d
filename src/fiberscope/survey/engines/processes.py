"""Processes on this machine: each opens network and images for itself, and a kill of one costs its task."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from typing import Any, ClassVar

import torch

from fiberscope.problem import FiberscopeError
from fiberscope.survey.engines.engine import OpenWorkerHere
from fiberscope.survey.engines.patience import Patience
from fiberscope.survey.tasks import Finished, GivenUp, Task

_AHEAD = 2  # tasks for each worker: one under way, one that waits
_MOST_DEATHS = 3  # of workers, without a task done between them
_LOOK = 1.0  # seconds between looks for workers that hang
_OPEN = "open"


@dataclass(frozen=True)
class ProcessEngine:
    """A number of processes, started afresh (spawn), one at least."""

    workers: int
    task_timeout: float | None = None
    shares_memory: ClassVar[bool] = False

    def run(self, tasks: Iterable[Task], open_worker: OpenWorkerHere, *, threads: int) -> Iterator[Finished | GivenUp]:
        """Each task once, as they are done; tasks of a worker that dies are given to another.

        A worker that takes too long for a task is killed, and the task given up. Raises FiberscopeError when workers
        die again and again.
        """
        todo = iter(tasks)
        first = next(todo, None)
        if first is None:
            return
        crew = _Crew(open_worker, threads, Patience(self.task_timeout))
        try:
            for _ in range(self.workers):
                crew.places.append(_Place(*crew.hire()))
            yield from crew.work_off(deque([first]), todo)
        finally:
            crew.dismiss()


@dataclass(eq=False)
class _Place:
    """A worker with the pipe to it, its tasks, of which the first is under way, and since when that is."""

    process: BaseProcess
    pipe: Connection
    tasks: deque[Task] = field(default_factory=deque)
    since: float | None = None  # None before it has opened network and images, and while it has nothing to do
    is_open: bool = False


@dataclass(eq=False)
class _Crew:
    open_worker: OpenWorkerHere
    threads: int
    patience: Patience
    places: list[_Place] = field(default_factory=list)
    deaths: int = 0

    def hire(self) -> tuple[BaseProcess, Connection]:
        spawn = multiprocessing.get_context("spawn")
        here, there = spawn.Pipe()
        process = spawn.Process(target=_work, args=(there, self.open_worker, self.threads), daemon=True)
        process.start()
        there.close()  # or its end would not be seen here
        return process, here

    def work_off(self, again: deque[Task], todo: Iterator[Task]) -> Iterator[Finished | GivenUp]:
        """Work off every task, first those of ``again``, where deaths put what they left."""
        while self._hand_out(again, todo):
            places = {place.pipe: place for place in self.places}
            for pipe in wait_for(list(places), timeout=_LOOK):
                found = self._receive(places[pipe], again)  # type: ignore[index]
                if found is not None:
                    yield found
            yield from self._give_up(again)

    def dismiss(self) -> None:
        """Let all go, whatever they are at: nobody takes it any more, and they write nothing."""
        for place in self.places:
            _end(place)

    def _hand_out(self, again: deque[Task], todo: Iterator[Task]) -> bool:
        """Give tasks to workers; whether there is anything left to wait for."""
        # After a death one at a time: a task that kills at once would hide that the one before it was done.
        for most in range(1, 1 + (1 if self.deaths else _AHEAD)):
            for place in self.places:
                if len(place.tasks) < most:
                    task = again.popleft() if again else next(todo, None)
                    if task is None:
                        return any(other.tasks for other in self.places)
                    self._send(place, task)
        return True

    def _send(self, place: _Place, task: Task) -> None:
        place.tasks.append(task)
        if place.is_open and place.since is None:
            place.since = time.monotonic()
        with suppress(OSError):  # one that is dead is seen by those who wait for it
            place.pipe.send(task)

    def _receive(self, place: _Place, again: deque[Task]) -> Finished | None:
        try:
            found: Any = place.pipe.recv()
        except (EOFError, OSError):
            self._replace_dead(place, again)
            return None
        now = time.monotonic()
        if isinstance(found, BaseException):
            raise found
        if found == _OPEN:
            place.is_open = True
        else:
            place.tasks.popleft()
            self.patience.learn(place.since if place.since is not None else now)
            self.deaths = 0
        place.since = now if place.tasks else None
        return None if found == _OPEN else found

    def _replace_dead(self, place: _Place, again: deque[Task]) -> None:
        self.deaths += 1
        if self.deaths == _MOST_DEATHS:
            numbers = sorted(each.tasks[0].number for each in self.places if each.tasks)
            raise FiberscopeError(
                f"engine: workers died {self.deaths} times at tasks {numbers}, killed or out of memory. What is stored "
                "is kept. Resume with fewer workers."
            )
        # Those that only waited go first: if it is the other that kills, it must not take them along again.
        again.extend([*list(place.tasks)[1:], *list(place.tasks)[:1]])
        self._replace(place)

    def _give_up(self, again: deque[Task]) -> Iterator[GivenUp]:
        for place in list(self.places):
            # What is in the pipe already was done in time: the pace is that of whoever takes it.
            if place.since is not None and self.patience.is_over(place.since) and not place.pipe.poll():
                task, seconds = place.tasks.popleft(), time.monotonic() - place.since
                again.extend(place.tasks)
                self._replace(place)
                yield GivenUp(task, seconds)

    def _replace(self, place: _Place) -> None:
        _end(place)
        self.places[self.places.index(place)] = _Place(*self.hire())


def _end(place: _Place) -> None:
    place.process.kill()
    place.process.join()  # or it would stay as a zombie
    place.pipe.close()


def _work(pipe: Connection, open_worker: OpenWorkerHere, threads: int) -> None:
    """Work in a process of its own: open, then answer each task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which then lets its workers end
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        worker = open_worker()
        pipe.send(_OPEN)
        while True:
            pipe.send(worker(pipe.recv()))
    except (EOFError, BrokenPipeError):
        return  # nobody is there any more
    except Exception as error:
        _tell(pipe, error)


def _tell(pipe: Connection, error: Exception) -> None:
    try:
        pipe.send(error)
    except (TypeError, AttributeError, ValueError):  # it cannot be pickled
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


def _end_with_parent() -> None:
    # A parent that was killed takes nobody along: its workers would wait for tasks for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)
