"""Do everything once, so that the first person waits no longer than the next: first uses of torch take seconds."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from fiberscope.explorer.directions import COUNT, bases_of
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.requests import Request, answers
from fiberscope.explorer.scene import Scene
from fiberscope.explorer.state import SPACES, Drag, ImageRef, Paint, State, as_json


def warm_up(scene: Scene) -> None:
    """Ask for everything once that takes time at its first use, in each space; what fails here will be told later."""
    memory, last = Memory(), len(scene.images) - 1
    for space in SPACES[: 1 if scene.natural is None else 2]:
        start = State(ImageRef(index=0), space)
        dragged = replace(start, moves=(Drag("seen", (0.1,) * min(scene.latent_map.latent_size, COUNT)),))
        for card in bases_of(scene):
            if space in card.spaces:
                _ask(scene, memory, "directions", state=as_json(start), basis=card.name, seed=0)
        for _ in range(2):
            _ask(scene, Memory(), "show", state=as_json(dragged))
        _ask(scene, memory, "morph", state=as_json(start), to={"index": last})
        _ask(scene, memory, "verdict", state=as_json(start))
    painted = State(ImageRef(index=0), moves=(Paint((0,), (1,)),))
    _ask(scene, memory, "show", state=as_json(painted))
    _ask(scene, memory, "freedom", state=as_json(State(ImageRef(index=0), radius=0.1)))
    _ask(scene, memory, "browse", sort="index", offset=0, count=1)


def _ask(scene: Scene, memory: Memory, lane: str, **fields: object) -> None:
    with contextlib.suppress(Exception):
        for _ in answers(scene, memory, Request(lane, 0, {"type": lane, "id": 0, **fields})):
            pass
