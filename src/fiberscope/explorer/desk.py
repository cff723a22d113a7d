"""One person at the page: what they ask is read with care, and the answers are on their way out."""

from __future__ import annotations

import asyncio
import json
import math
import time

from fiberscope.explorer.line import Line, Step
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.requests import LANES, LONG_LANES, Request, answers, message_bytes, read_request
from fiberscope.explorer.scene import Scene
from fiberscope.explorer.turns import Turns
from fiberscope.explorer.wire import Answer, encode
from fiberscope.problem import FiberscopeError

MOST_WAITING_BYTES = 32 * 2**20
MOST_WAITING = 16  # answers on their way out, before no more is read or done for this person
_BYTES_OF_ONE = 4096  # a long message counts as several: reading it takes as long
_STANDS_STILL = 0.1  # seconds
_JUDGE_EVERY = 0.5
PER_SECOND = 500  # messages; a mouse makes 120 a second, some a thousand: those are to be merged


class Threads:
    """The computing threads that all desks share: one for what is done at once, one for what takes its time.

    So a film of one person does not hold up another one's drag.
    """

    def __init__(self) -> None:
        self.quick = Turns()
        self.long = Turns()


class Desk:
    """A session: two lines of requests, one outbox, one memory."""

    def __init__(self, scene: Scene, threads: Threads):
        self.last_heard = time.monotonic()
        self.drained = asyncio.Event()
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._outbox_bytes = 0
        self._allowance = float(PER_SECOND)
        self._open = True
        self._memory = memory = Memory()
        quick, long = ([lane for lane in LANES if (lane in LONG_LANES) is slow] for slow in (False, True))
        self._quick, self._long = (
            Line(
                lanes,
                turns,
                begin=lambda request: answers(scene, memory, request),
                on_step=self._on_step,
                has_room=lambda: not self.crowded,
            )
            for lanes, turns in ((quick, threads.quick), (long, threads.long))
        )
        self._waiting: asyncio.TimerHandle | None = None
        self._last_judged = -math.inf
        self._most_bytes = message_bytes(scene)
        self._judged = scene.panel is not None and scene.logits is not None

    @property
    def crowded(self) -> bool:
        """Whether so many answers wait that no more should be read or done; `drained` is set when they are fewer."""
        return self._outbox.qsize() >= MOST_WAITING or self._outbox_bytes >= MOST_WAITING_BYTES

    def receive(self, message: str | bytes) -> None:
        """Take a message from the page; whatever it is, at worst it is answered with an error."""
        identity = None
        try:
            self._count(message)
            found = _parse(message)
            identity = _identity_of(found)
            request = read_request(found)
        except FiberscopeError as error:
            self._send(Answer("error", {"message": str(error)}), identity)
            return
        (self._long if request.lane in LONG_LANES else self._quick).add(request)

    async def take(self) -> bytes:
        """The next answer to send."""
        message = await self._outbox.get()
        self._outbox_bytes -= len(message)
        if not self.crowded:
            self.drained.set()
            self._quick.wake()
            self._long.wake()
        return message

    def close(self) -> None:
        """Nothing more is done for this person."""
        self._open = False
        if self._waiting is not None:
            self._waiting.cancel()
        self._quick.close()
        self._long.close()
        # At once: the desk and its lines know each other, and Python looks for such rings seldom.
        self._memory.close()
        self._outbox = asyncio.Queue()

    def _on_step(self, step: Step) -> None:
        request, answer, _ = step
        if answer is not None:
            self._send(answer, request.identity)
        if answer is not None and answer.type == "frame" and self._judged and self._open:
            self._judge_soon(request)

    def _judge_soon(self, shown: Request) -> None:
        """Ask the judges when the image has stood still for a moment, or when they were not asked for a while.

        Asked about every frame, they would take the time that the next one needs.
        """
        if self._waiting is not None:
            self._waiting.cancel()
        loop = asyncio.get_running_loop()
        rested = loop.time() - self._last_judged >= _JUDGE_EVERY
        self._waiting = loop.call_later(0.0 if rested else _STANDS_STILL, self._judge, shown)

    def _judge(self, shown: Request) -> None:
        if self._open:
            self._last_judged = asyncio.get_running_loop().time()
            self._long.add(Request("verdict", shown.identity, shown.fields))

    def _send(self, answer: Answer, identity: int | None) -> None:
        if self._open:
            message = _encoded(answer, identity)
            self._outbox_bytes += len(message)
            self._outbox.put_nowait(message)
        if self.crowded:
            self.drained.clear()

    def _count(self, message: str | bytes) -> None:
        now, size = time.monotonic(), _size(message)
        cost = max(1.0, size / _BYTES_OF_ONE)
        self._allowance = min(PER_SECOND, self._allowance + PER_SECOND * (now - self.last_heard)) - cost
        self.last_heard = now
        if self._allowance < 0:
            self._allowance = max(self._allowance, -PER_SECOND)
            raise FiberscopeError(f"message: more than {PER_SECOND} a second. Send the newest wish only.")
        if size > self._most_bytes:
            raise FiberscopeError(f"message: {size} bytes, at most {self._most_bytes} are read. Send less at once.")


def _encoded(answer: Answer, identity: int | None) -> bytes:
    try:
        return encode(answer, identity)
    except ValueError:  # a number that JSON has no word for
        return encode(Answer("error", {"message": "The network's answer is not finite. Go back a step."}), identity)


def _size(message: str | bytes) -> int:
    return len(message) if isinstance(message, bytes) else len(message.encode(errors="surrogatepass"))


def _parse(message: str | bytes) -> object:
    if isinstance(message, bytes):
        raise FiberscopeError("message: expected text of JSON, found bytes.")
    try:
        return json.loads(message, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FiberscopeError(f"message: it is no JSON ({str(error)[:80]}).") from None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _identity_of(found: object) -> int | None:
    """The number of a message, so that even one with an error in it is answered by number."""
    identity = found.get("id") if isinstance(found, dict) else None
    if not isinstance(identity, int) or isinstance(identity, bool):
        return None
    return identity if 0 <= identity <= 2**53 else None
