"""What one person has asked for on one of the computing threads: of each kind only the newest, a piece at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fiberscope.explorer.requests import Answers, Request
from fiberscope.explorer.turns import Turns
from fiberscope.explorer.wire import Answer
from fiberscope.problem import FiberscopeError

_log = logging.getLogger(__name__)


class Step(NamedTuple):
    """What a piece of work has led to: an answer, or none yet; and whether that was all of the request."""

    request: Request
    answer: Answer | None
    over: bool


class Line:
    """Requests of some lanes. A newer one takes the place of an older one of its lane, also when that is under way."""

    def __init__(
        self,
        lanes: Sequence[str],
        turns: Turns,
        *,
        begin: Callable[[Request], Answers],
        on_step: Callable[[Step], None],
        has_room: Callable[[], bool],
    ):
        self._lanes = list(lanes)
        self._turns = turns
        self._begin = begin
        self._on_step = on_step
        self._has_room = has_room
        self._newest: dict[str, Request] = {}
        self._under_way: dict[str, tuple[Request, Answers]] = {}
        self._done: Step | None = None

    def add(self, request: Request) -> None:
        """Take a request; an older one of its lane is forgotten."""
        self._under_way.pop(request.lane, None)
        self._newest[request.lane] = request
        self.wake()

    def has(self, lane: str) -> bool:
        """Whether a request of that lane waits."""
        return lane in self._newest

    def wake(self) -> None:
        """Stand in the queue, if there is something to do and room for its answers."""
        if (self._newest or self._under_way) and self._has_room():
            self._turns.join(self)

    def close(self) -> None:
        """Forget everything; a piece that is being computed is the last."""
        self._newest.clear()
        self._under_way.clear()
        self._turns.leave(self)

    def next_piece(self) -> Callable[[], None] | None:
        """One piece of the first lane that has something to do; then that lane lets the others go first."""
        for lane in self._lanes:
            if lane in self._newest:
                request = self._newest.pop(lane)
                self._under_way[lane] = (request, self._begin(request))
            if lane in self._under_way:
                self._lanes.remove(lane)
                self._lanes.append(lane)
                request, answers = self._under_way[lane]
                return lambda: self._compute(request, answers)
        return None

    def piece_done(self) -> None:
        """Hand on what the piece has made, and queue up again if there is more to do."""
        done, self._done = self._done, None
        if done is None:
            return
        lane = done.request.lane
        # A newer request may have taken its place in the meantime.
        if done.over and lane in self._under_way and self._under_way[lane][0] is done.request:
            del self._under_way[lane]
        self._on_step(done)
        self.wake()

    def _compute(self, request: Request, answers: Answers) -> None:
        """In the computing thread: up to the next answer, or to the end of the request."""
        try:
            answer = next(answers)
            self._done = Step(request, answer, over=answer is not None and answer.last)
        except StopIteration:
            self._done = Step(request, None, over=True)
        except FiberscopeError as error:
            self._done = Step(request, Answer("error", {"message": str(error)}), over=True)
        except BaseException as error:  # whatever a model raises, even an exit, is told to the one who asked
            _log.warning("a request failed", exc_info=True)
            self._done = Step(request, Answer("error", {"message": _words(error)}), over=True)


def _words(error: BaseException) -> str:
    first = str(error).splitlines()[0] if str(error) else "no reason given"
    return f"The model, or what was done with it, raised {type(error).__name__}: {first[:300]}"
