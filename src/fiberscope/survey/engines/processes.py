"""A pool of processes on this machine: each opens network and images for itself, and a kill of one costs its task."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for
from typing import ClassVar

import torch

from fiberscope.problem import FiberscopeError
from fiberscope.survey.engines.engine import OpenWorkerHere
from fiberscope.survey.tasks import Finished, Task, Worker

_AHEAD = 2
_MOST_DEATHS = 3  # of workers, without a task done between them


@dataclass(frozen=True)
class ProcessEngine:
    """So many processes, started afresh (spawn), one at least."""

    workers: int
    shares_memory: ClassVar[bool] = False

    def run(self, tasks: Iterable[Task], open_worker: OpenWorkerHere, *, threads: int) -> Iterator[Finished]:
        """Each task once, as they are done; tasks of a worker that dies are given to another.

        Raises FiberscopeError when workers die again and again.
        """
        pool = _Pool(self.workers, open_worker, threads)
        todo, deaths = iter(tasks), 0
        try:
            while True:
                pool.fill(todo)
                if not pool.waiting:
                    break
                try:
                    for finished in pool.next_done():
                        deaths = 0
                        yield finished
                except BrokenProcessPool as error:
                    deaths += 1
                    if deaths == _MOST_DEATHS:
                        numbers = sorted(task.number for task in pool.waiting.values())
                        raise FiberscopeError(
                            f"engine: workers died {deaths} times at tasks {numbers}, killed or out of memory. What is "
                            "stored is kept. Resume with fewer workers."
                        ) from error
                    pool = pool.again()
        except BaseException:
            # Nobody takes what is under way any more, and a task may be long: its process ends by itself.
            pool.executor.shutdown(wait=False, cancel_futures=True)
            raise
        pool.executor.shutdown()


@dataclass(frozen=True, eq=False)
class _Pool:
    workers: int
    open_worker: OpenWorkerHere
    threads: int
    waiting: dict[Future[Finished], Task] = field(default_factory=dict)
    executor: ProcessPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(
            self.workers, mp_context=spawn, initializer=_start, initargs=(self.open_worker, self.threads)
        )
        object.__setattr__(self, "executor", pool)

    def fill(self, todo: Iterator[Task]) -> None:
        while len(self.waiting) < _AHEAD * self.workers:
            task = next(todo, None)
            if task is None:
                return
            self.submit(task)

    def submit(self, task: Task) -> None:
        try:
            self.waiting[self.executor.submit(_work, task)] = task
        except BrokenProcessPool as error:
            # The task is not lost: it waits with those that broke with the pool.
            broken: Future[Finished] = Future()
            broken.set_exception(error)
            self.waiting[broken] = task

    def next_done(self) -> Iterator[Finished]:
        done, _ = wait(self.waiting, return_when=FIRST_COMPLETED)
        # Those that are done first: one that broke must not take them along.
        for future in sorted(done, key=lambda each: each.exception() is not None):
            finished = future.result()
            del self.waiting[future]
            yield finished

    def again(self) -> _Pool:
        """A new pool with the tasks that this one left."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        fresh = _Pool(self.workers, self.open_worker, self.threads)
        for future, task in self.waiting.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                fresh.waiting[future] = task
            else:
                fresh.submit(task)
        return fresh


class _Here:
    """What this process, a worker, was started with."""

    open_worker: OpenWorkerHere
    worker: Worker | None = None


def _start(open_worker: OpenWorkerHere, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which then lets its workers end
    torch.set_num_threads(threads)
    _Here.open_worker = open_worker
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that was killed takes nobody along: its workers would wait for tasks for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _work(task: Task) -> Finished:
    # Opened with the first task and not before: what cannot be opened is told as what it is, not as a broken pool.
    if _Here.worker is None:
        _Here.worker = _Here.open_worker()
    return _Here.worker(task)
