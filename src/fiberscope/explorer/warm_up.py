"""Do everything once, so that the first person waits no longer than the next: first uses of torch take seconds."""

from __future__ import annotations

import contextlib

from fiberscope.explorer.directions import bases_of
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.requests import Request, answers
from fiberscope.explorer.scene import Scene
from fiberscope.explorer.state import SPACES, Drag, ImageRef, Paint, State, as_json
from fiberscope.problem import FiberscopeError

_ROUNDS = 2


def warm_up(scene: Scene) -> None:
    """Ask for a frame, directions, a film and a painted pixel in each space; what fails here will be told later."""
    memory = Memory()
    last = len(scene.images) - 1
    for space in SPACES[: 1 if scene.natural is None else 2]:
        start = State(ImageRef(index=0), space)
        for card in bases_of(scene):
            if space in card.spaces:
                _ask(scene, memory, "directions", state=as_json(start), basis=card.name, seed=0)
        _ask(scene, memory, "morph", state=as_json(start), to={"index": last})
    start = State(ImageRef(index=0))
    for round_ in range(_ROUNDS):
        moves = (Paint((0,), (round_,)), Drag("seen", _amounts(scene)))
        for move in moves:
            _ask(scene, memory, "show", state=as_json(State(ImageRef(index=0), moves=(move,))))
    _ask(scene, memory, "browse", sort="index", offset=0, count=1)


def _amounts(scene: Scene) -> tuple[float, ...]:
    return (0.1,) * min(scene.latent_map.latent_size, 12)


def _ask(scene: Scene, memory: Memory, lane: str, **fields: object) -> None:
    with contextlib.suppress(FiberscopeError, RuntimeError):
        for _ in answers(scene, memory, Request(lane, 0, {"type": lane, "id": 0, **fields})):
            pass
