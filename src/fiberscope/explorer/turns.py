"""Whose turn it is: one thread computes, and everybody who waits gets a piece of work done in turn."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, runtime_checkable

_log = logging.getLogger(__name__)


@runtime_checkable
class Worker(Protocol):
    """Somebody with work to do, a piece at a time."""

    def next_piece(self) -> Callable[[], None] | None:
        """The next piece of work, to be run in the computing thread; None where there is none now."""
        ...

    def piece_done(self) -> None:
        """Called in the event loop when that piece has run."""
        ...


class Turns:
    """Gives each worker that waits one piece in turn, in a thread of its own."""

    def __init__(self) -> None:
        self._waiting: deque[Worker] = deque()
        self._woken = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fiberscope")

    def join(self, worker: Worker) -> None:
        """Put a worker at the end of the queue, unless it stands in it."""
        if worker not in self._waiting:
            self._waiting.append(worker)
            self._woken.set()

    def leave(self, worker: Worker) -> None:
        """Take a worker out of the queue."""
        if worker in self._waiting:
            self._waiting.remove(worker)

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._woken.wait()
                while self._waiting:
                    await self._give_turn(self._waiting.popleft(), loop)
                self._woken.clear()
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    # A method of its own: a variable of the loop would hold the last worker, and what it remembers, while nobody asks.
    async def _give_turn(self, worker: Worker, loop: asyncio.AbstractEventLoop) -> None:
        try:
            piece = worker.next_piece()
            if piece is not None:
                await loop.run_in_executor(self._thread, piece)
                worker.piece_done()
        except Exception:  # a fault in one worker must not end the turns of all others
            _log.exception("a worker failed")
