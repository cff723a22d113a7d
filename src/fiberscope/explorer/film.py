"""A morph as it comes in: a first look at the way, then the way to the nearest image, every frame on the fiber."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.explorer.memory import Memory
from fiberscope.explorer.picture import Picture, goal_of, look, nearest_to, replay
from fiberscope.explorer.scene import RTOL, Scene
from fiberscope.explorer.space import fiber_of, image_of, picture_of
from fiberscope.explorer.state import Drag, ImageRef, Morph, Move, State
from fiberscope.moves import Nearest, project

FRAMES = 24
_PART = 8  # frames a part: other people get their turn in between
_DRAFT = 3  # frames of a first look


class Part(NamedTuple):
    """Some neighbouring frames of a film, and the share of the way where each stands."""

    first: int
    shares: tuple[float, ...]
    pictures: tuple[Picture, ...]


class Ending(NamedTuple):
    """How near to the goal the film ends, how far off it began, and the slope there: zero or below at a minimum."""

    near: float
    apart: float
    found: Nearest


def shares() -> tuple[float, ...]:
    """Where the frames of a film stand."""
    return tuple(torch.linspace(0, 1, FRAMES).tolist())


def film(scene: Scene, state: State, to: ImageRef, memory: Memory) -> Iterator[Part]:
    """Frames from where the state stands toward another image, a part at a time.

    The first part heads straight for the other image, so that something moves at once; the way to the image nearest to
    it takes its place when that is found.
    """
    state = replace(state, straight=False)
    yield _part(scene, state, goal_of(scene, state, to), 0, _DRAFT, memory)
    near = nearest_to(scene, state, to, memory).points
    for first in range(0, FRAMES, _PART):
        yield _part(scene, state, near, first, min(_PART, FRAMES - first), memory)


def ending(scene: Scene, state: State, to: ImageRef, memory: Memory) -> Ending:
    """Of a film that has been made."""
    state = replace(state, straight=False)
    place, near, goal = replay(scene, state, memory), nearest_to(scene, state, to, memory), image_of(scene, to)
    image = picture_of(scene, state, near.points)
    return Ending(float((image - goal).norm()), float((place.image - goal).norm()), near)


def _part(scene: Scene, state: State, end: Float[Tensor, "1 ..."], first: int, count: int, memory: Memory) -> Part:
    place, where = replay(scene, state, memory), shares()[first : first + count]
    weights = torch.tensor(where).to(place.point).reshape(-1, *[1] * (place.point.ndim - 1))
    wishes = torch.lerp(place.point.expand(count, *place.point.shape[1:]), end, weights)
    frozen = None
    if state.space == "pixels":
        frozen = place.frozen
        wishes = torch.where(frozen, place.point, wishes)
    fiber = fiber_of(scene, state, place.target)
    found = project(fiber, wishes, frozen=frozen, rtol=RTOL, num_restarts=0)
    images = picture_of(scene, state, found.points)
    seen = zip(torch.split(images, 1), found.outcome, strict=True)
    return Part(first, where, tuple(look(scene, state, place, image, outcome) for image, outcome in seen))


def way_of(scene: Scene, state: State, memory: Memory, *, frames: int) -> Iterator[Picture]:
    """All moves of a state as one film, each from nothing to its whole amount."""
    place = replay(scene, replace(state, moves=()), memory)
    yield look(scene, state, place, place.image, place.outcome)
    for number in range(1, len(state.moves) + 1):
        whole = replace(state, moves=state.moves[:number], straight=state.straight and number == len(state.moves))
        steps = [i / frames for i in range(1, frames + 1)]
        for move in _grown(whole.moves[-1], steps):
            there = replace(whole, moves=(*whole.moves[:-1], move))
            stands = replay(scene, there, memory)
            yield look(scene, there, stands, stands.image, stands.outcome)


def _grown(move: Move, steps: Sequence[float]) -> Iterator[Move]:
    """A move at shares of itself; what has no shares, at once."""
    match move:
        case Drag():
            yield from (move._replace(amounts=tuple(step * amount for amount in move.amounts)) for step in steps)
        case Morph():
            yield from (move._replace(share=step * move.share) for step in steps)
        case _:
            yield move
