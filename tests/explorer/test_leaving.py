"""Whoever leaves, by closing the tab or by doing nothing, leaves nothing behind: no work, no memory, no place taken."""

import asyncio
import contextlib
import gc
import threading
import time
import weakref

import pytest
import torch

from explorer.desks import SECONDS, take, threads, tiny, until
from explorer.states import message
from fiberscope.explorer import desk as desks
from fiberscope.explorer import server
from fiberscope.explorer.desk import Desk
from fiberscope.explorer.guard import Guard
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.wire import decode

HEADERS = [(b"host", b"127.0.0.1:1"), (b"origin", b"http://127.0.0.1:1")]
LONG = {"v": 1, "image": {"index": 1}, "space": "pixels", "radius": 0, "straight": False}
LONG["moves"] = [
    {"kind": "drag", "basis": "random", "seed": seed, "to": None, "amounts": [0.1] * 12} for seed in range(4)
]


class Visitor:
    """Somebody at the socket, as the server's application sees them."""

    def __init__(self, app):
        self.said, self.heard = asyncio.Queue(), asyncio.Queue()
        self.closed_with = None
        self.said.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/session", "headers": HEADERS, "query_string": b"", "subprotocols": []}
        self.task = asyncio.create_task(app(scope, self.said.get, self.hear))

    async def hear(self, event):
        if event["type"] == "websocket.close":
            self.closed_with = event["code"]
        if event["type"] == "websocket.send":
            self.heard.put_nowait(decode(event["bytes"])[0])

    def say(self, text):
        self.said.put_nowait({"type": "websocket.receive", "text": text})

    async def listen(self):
        return await asyncio.wait_for(self.heard.get(), SECONDS)

    async def leave(self):
        self.said.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self.task, SECONDS)


@contextlib.asynccontextmanager
async def serving(scene):
    app = server.application(scene, Guard("127.0.0.1", 1, None))
    said, heard = asyncio.Queue(), asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan", "state": {}}, said.get, heard.put))
    said.put_nowait({"type": "lifespan.startup"})
    assert (await heard.get())["type"] == "lifespan.startup.complete"
    try:
        yield app
    finally:
        said.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait_for(life, SECONDS)


@pytest.fixture
def known(monkeypatch):
    """Every session that was opened, without holding it."""
    found = []

    class Known(Desk):
        def __init__(self, *all_):
            super().__init__(*all_)
            found.append(weakref.ref(self))

    monkeypatch.setattr(server, "Desk", Known)
    return found


def gone(found):
    gc.collect()
    return [each() for each in found if each() is not None] == []


def test_closing_the_tab_stops_its_work_and_frees_its_memory(scene, known):
    calls, matrix = [], torch.randn(16, 3, generator=torch.Generator().manual_seed(1))

    def slow(x):
        if threading.current_thread().name.startswith("fiberscope"):
            calls.append(time.monotonic())
            time.sleep(0.002)
        return torch.tanh(x.flatten(1) @ matrix)

    async def work():
        async with serving(tiny(scene, latents=slow)) as app:
            visitor = Visitor(app)
            assert (await visitor.listen())["type"] == "welcome"
            visitor.say(message("export", 1, format="apng", states=[LONG]))
            await until(lambda: len(calls) > 20)
            await visitor.leave()
            await asyncio.sleep(0.5)  # the piece under way is the last
            before = len(calls)
            await asyncio.sleep(0.5)
            assert len(calls) == before
            assert visitor.heard.empty()
            await until(lambda: gone(known))

    asyncio.run(work())


def test_who_does_nothing_for_long_is_sent_away_and_freed(scene, known, monkeypatch):
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.2)

    async def work():
        async with serving(tiny(scene)) as app:
            visitor = Visitor(app)
            assert (await visitor.listen())["type"] == "welcome"
            farewell = await visitor.listen()
            assert farewell["type"] == "error"
            assert "Nothing happened" in farewell["message"]
            await asyncio.wait_for(visitor.task, SECONDS)
            assert visitor.closed_with == 1001
            await until(lambda: gone(known))

    asyncio.run(work())


def test_who_does_something_stays(scene, monkeypatch):
    monkeypatch.setattr(server, "IDLE_SECONDS", 1.0)

    async def work():
        async with serving(tiny(scene)) as app:
            visitor = Visitor(app)
            await visitor.listen()
            for identity in range(8):
                await asyncio.sleep(0.4)
                visitor.say(message("python", identity, state={**LONG, "moves": []}))
                assert (await visitor.listen())["type"] == "python"
            assert visitor.closed_with is None
            await visitor.leave()

    asyncio.run(work())


def test_a_place_that_is_left_is_free_for_the_next(scene, monkeypatch):
    monkeypatch.setattr(server, "MOST_DESKS", 2)

    async def work():
        async with serving(tiny(scene)) as app:
            first, second = Visitor(app), Visitor(app)
            assert [(await each.listen())["type"] for each in (first, second)] == ["welcome"] * 2
            third = Visitor(app)
            assert "2 people are here already" in (await third.listen())["message"]
            await asyncio.wait_for(third.task, SECONDS)
            assert third.closed_with == 1013
            await first.leave()
            fourth = Visitor(app)
            assert (await fourth.listen())["type"] == "welcome"
            for each in (second, fourth):
                await each.leave()

    asyncio.run(work())


def test_whatever_a_session_asks_for_its_memory_stays_within_its_bound(scene, monkeypatch):
    made = []

    def small():
        made.append(Memory(most_bytes=40_000))
        return made[-1]

    monkeypatch.setattr(desks, "Memory", small)

    async def work():
        async with threads() as found:
            desk = Desk(tiny(scene), found)
            for seed in range(60):
                state = {**LONG, "moves": [{**LONG["moves"][0], "seed": seed}]}
                desk.receive(message("directions", 2 * seed, state=state, basis="random", seed=seed, to=None))
                await take(desk)
                desk.receive(message("show", 2 * seed + 1, state=state))
                await take(desk)
                assert made[0].num_bytes <= 40_000
        assert made[0].num_bytes > 20_000
        assert len(made) == 1

    asyncio.run(work())


def test_what_a_session_has_remembered_is_freed_when_it_ends_whenever_rings_are_looked_for(scene, monkeypatch):
    made = []

    def known():
        made.append(Memory())
        return made[-1]

    monkeypatch.setattr(desks, "Memory", known)

    async def work():
        async with threads() as found:
            desk = Desk(tiny(scene), found)
            desk.receive(message("show", 1, state=LONG))
            await take(desk)
            held = weakref.ref(next(iter(made[0]._kept.values()))[0].image)
            assert made[0].num_bytes > 0
            desk.close()
            assert made[0].num_bytes == 0
            assert made[0].recall("later", lambda: torch.zeros(9)).shape == (9,)
            assert made[0].num_bytes == 0
            return held

    gc.disable()
    try:
        assert asyncio.run(work())() is None
    finally:
        gc.enable()
