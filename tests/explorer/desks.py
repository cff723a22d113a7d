"""Desks with their threads running, and what comes out of them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import torch

from fiberscope import LatentMap
from fiberscope.explorer.desk import Threads
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.requests import Request, answers
from fiberscope.explorer.wire import decode

SECONDS = 60  # after which a test that waits has failed


@contextlib.asynccontextmanager
async def threads():
    """The two computing threads, as the server has them."""
    found = Threads()
    tasks = [asyncio.create_task(turns.run()) for turns in (found.quick, found.long)]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def take(desk):
    async with asyncio.timeout(SECONDS):
        return decode(await desk.take())


async def take_until(desk, wanted):
    """All answers up to the first for which ``wanted`` holds."""
    found = []
    while not found or not wanted(found[-1][0]):
        found.append(await take(desk))
    return found


def idle(desk):
    return not any(line._newest or line._under_way for line in (desk._quick, desk._long))


async def rest(desk):
    """Everything that is on its way, until nothing more is asked or computed."""
    found = []
    async with asyncio.timeout(SECONDS):
        while not (idle(desk) and desk._outbox.empty()):
            if desk._outbox.empty():
                await asyncio.sleep(0.0005)
            else:
                found.append(decode(await desk.take()))
    return found


class Clock:
    """What a desk takes for the time; it stands still."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


async def until(condition):
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.0005)


def tiny(scene, *, logits=None, latents=None, **changes):
    """A scene of few pixels whose network is a sum of squares, unless another is given."""
    shape = (1, 4, 4)
    images = torch.rand(6, *shape, generator=torch.Generator().manual_seed(0))
    matrix = torch.randn(16, 3, generator=torch.Generator().manual_seed(1))
    made = latents or (lambda x: torch.tanh(x.flatten(1) @ matrix))
    parts = {
        "latent_map": LatentMap(made, shape),
        "images": images,
        "names": scene.names[:6],
        "labels": scene.labels[:6],
        "logits": logits,
        "columns": tuple(column._replace(values=column.values[:6]) for column in scene.columns),
        "variations": (),
    }
    missing = dict.fromkeys(("panel", "natural", "scale", "factor"))
    return replace(scene, **{**missing, **parts, **changes})


def alone(scene, kind, fields):
    """What the answers are where nobody else asks."""
    found = answers(scene, Memory(), Request(kind, 0, {"type": kind, "id": 0, **fields}))
    return [answer for answer in found if answer is not None]
