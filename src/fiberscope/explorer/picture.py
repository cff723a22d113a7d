"""From a state to its picture: every move in turn, each kept on the fiber, and what the network says at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.explorer.directions import Directions, directions
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.scene import RTOL, Scene
from fiberscope.explorer.space import begin, coordinates_of, fiber_of, image_of, natural_of, picture_of, radius_of
from fiberscope.explorer.state import Drag, ImageRef, Morph, Move, Paint, Release, State
from fiberscope.moves import Nearest, Outcome, nearest, project
from fiberscope.problem import FiberscopeError

_PART = 6  # pixels of a stroke that are brought back at once
_PARTS = 24  # so many parts of that size; in what follows them, a part is that share of what is painted already
_NATURAL_STEPS = 20  # of the search for the nearest natural image: each takes as long as three among pixels


class Place(NamedTuple):
    """Where a state stands: a point of its space, the pixels that are frozen, and how the last move ended.

    ``start`` and ``image`` are images, ``target`` the latent aimed at; all of batch 1. ``outcome`` is None for a
    straight line, which nothing has brought back.
    """

    start: Float[Tensor, "1 ..."]
    target: Float[Tensor, "1 m"]
    point: Float[Tensor, "1 ..."]
    image: Float[Tensor, "1 ..."]
    frozen: Bool[Tensor, "..."]
    outcome: Outcome | None


class Picture(NamedTuple):
    """An image and what the network says of it, by a fresh forward pass.

    ``residual`` is ``|f(x) - z0| / |z0|``, ``tolerance`` what it may be (in a tube, its radius over ``|z0|``).
    ``distance`` is from the start. ``probabilities`` is None for a network that reads no classes.
    """

    image: Float[Tensor, "..."]
    start: Float[Tensor, "..."]
    latent: Float[Tensor, " m"]
    target: Float[Tensor, " m"]
    residual: float
    tolerance: float
    distance: float
    probabilities: Float[Tensor, " classes"] | None
    outcome: Outcome | None

    @property
    def on_fiber(self) -> bool:
        """Whether the image has the latent, to the tolerance."""
        return self.residual <= self.tolerance


def picture(scene: Scene, state: State, memory: Memory | None = None) -> Picture:
    """Replay the moves of a state and look at the image where they end.

    What is in ``memory`` is not computed again. Raises `FiberscopeError` for a move that this scene does not have; a
    move that does not end on the fiber is the picture's outcome, and its image the best approach.
    """
    place = replay(scene, state, Memory() if memory is None else memory)
    return look(scene, state, place, place.image, place.outcome)


def look(scene: Scene, state: State, place: Place, image: Float[Tensor, "1 ..."], outcome: Outcome | None) -> Picture:
    """What the network says of one image, beside the target of the place."""
    with torch.no_grad():
        latent, said = scene.latent_map(image)[0], scene.logits(image)[0] if scene.logits else None
    size = float(place.target.norm()) or 1.0
    radius = radius_of(scene, state)
    return Picture(
        image=image[0],
        start=place.start[0],
        latent=latent,
        target=place.target[0],
        residual=float((latent - place.target[0]).norm()) / size,
        tolerance=max(RTOL, radius / size),
        distance=float((image - place.start).norm()),
        probabilities=None if said is None else said.softmax(dim=0),
        outcome=outcome,
    )


def prepare(scene: Scene, state: State, memory: Memory) -> Iterator[None]:
    """Replay a state a piece at a time, into the memory: a long one must not hold up others who wait for the thread."""
    for number in range(len(state.moves) + 1):
        there = replace(state, moves=state.moves[:number], straight=state.straight and number == len(state.moves))
        if memory.knows(("place", there)):
            continue
        if there.moves and isinstance(there.moves[-1], Paint):
            before = replay(scene, there.before(), memory)
            for _ in _strokes(scene, there, before, there.moves[-1], memory):
                yield
        replay(scene, there, memory)
        if number < len(state.moves):
            yield


def replay(scene: Scene, state: State, memory: Memory) -> Place:
    """Where the state stands."""
    return memory.recall(("place", state), lambda: _replay(scene, state, memory))


def _replay(scene: Scene, state: State, memory: Memory) -> Place:
    if not state.moves:
        beginning = begin(scene, state)
        frozen = torch.zeros(scene.latent_map.input_shape, dtype=torch.bool, device=beginning.image.device)
        return Place(beginning.image, beginning.target, beginning.point, beginning.image, frozen, beginning.outcome)
    before = replay(scene, state.before(), memory)
    moved = _move(scene, state, before, state.moves[-1], memory)
    return moved._replace(image=picture_of(scene, state, moved.point))


def _move(scene: Scene, state: State, before: Place, move: Move, memory: Memory) -> Place:
    match move:
        case Drag():
            ways = directions_at(scene, state.before(), move, memory)
            return _settle(scene, state, before, _dragged(before.point, ways, move))
        case Morph(to, share):
            near = nearest_to(scene, state.before(), to, memory)
            if share == 1.0 and not state.straight:
                return before._replace(point=near.points, outcome=near.outcome[0])
            return _settle(scene, state, before, torch.lerp(before.point, near.points, share))
        case Paint():
            *_, last = _strokes(scene, state, before, move, memory)
            return last
        case Release(pixels):
            frozen = before.frozen.clone().flatten()
            frozen[list(pixels)] = False
            there = before._replace(frozen=frozen.reshape(before.frozen.shape))
            lost = before.outcome not in (None, Outcome.CONVERGED)
            return _settle(scene, state, there, before.point) if lost else there


def _dragged(point: Float[Tensor, "1 ..."], ways: Directions, move: Drag) -> Float[Tensor, "1 ..."]:
    if len(move.amounts) != len(ways.vectors):
        raise FiberscopeError(
            f"amounts: {len(move.amounts)} for {len(ways.vectors)} directions of the basis {move.basis!r}. Give one "
            "for each."
        )
    amounts = torch.tensor(move.amounts).to(point)
    return point + (amounts @ ways.vectors).reshape(point.shape)


def _strokes(scene: Scene, state: State, before: Place, paint: Paint, memory: Memory) -> Iterator[Place]:
    """A few pixels at a time in the order of the stroke, each time brought back to the fiber.

    All at once, the rest would move 1.5 times as far, now and then until nothing of the image is left. While a stroke
    is going on, all of it but its end is remembered. After a part that cannot be done the rest is painted at once.
    """
    place, start, count = before, 0, len(paint.pixels)
    if not count:
        yield before
    while start < count:
        lost = start > 0 and place.outcome not in (None, Outcome.CONVERGED)
        stop = count if lost else min(count, start + max(_PART, start // _PARTS))
        key = ("painted", state.before(), state.straight, paint.pixels[:stop], paint.values[:stop])
        part = paint._replace(pixels=paint.pixels[start:stop], values=paint.values[start:stop])
        place = memory.recall(key, partial(_painted, scene, state, place, part))
        yield place
        start = stop


def _painted(scene: Scene, state: State, place: Place, part: Paint) -> Place:
    pixels = list(part.pixels)
    wish, frozen = place.point.clone().flatten(), place.frozen.clone().flatten()
    wish[pixels] = torch.tensor(part.values).to(wish) / 255
    frozen[pixels] = True
    there = place._replace(frozen=frozen.reshape(place.frozen.shape))
    return _settle(scene, state, there, wish.reshape(place.point.shape))


def _settle(scene: Scene, state: State, before: Place, wish: Float[Tensor, "1 ..."]) -> Place:
    """The wish inside the box, and unless the straight line itself is wanted, brought back to the fiber."""
    natural = state.space == "natural"
    inside = wish if natural else wish.clamp(0.0, 1.0)
    if state.straight:
        return before._replace(point=inside, outcome=None)
    fiber = fiber_of(scene, state, before.target)
    frozen = None if natural else before.frozen
    found = project(fiber, inside, frozen=frozen, rtol=RTOL, num_restarts=0)
    return before._replace(point=found.points, outcome=found.outcome[0])


def directions_at(scene: Scene, state: State, drag: Drag, memory: Memory) -> Directions:
    """The directions of the drag's basis where the state stands."""
    key = ("directions", state, drag.basis, drag.seed, drag.to)
    place = replay(scene, state, memory)
    return memory.recall(
        key,
        lambda: directions(scene, state, place.point, place.frozen, drag.basis, seed=drag.seed, to=drag.to),
    )


def goal_of(scene: Scene, state: State, to: ImageRef) -> Float[Tensor, "1 ..."]:
    """The other image as a point of the state's space."""
    goal = image_of(scene, to)
    return coordinates_of(natural_of(scene), goal) if state.space == "natural" else goal


def nearest_to(scene: Scene, state: State, to: ImageRef, memory: Memory) -> Nearest:
    """The point nearest to another image on the fiber of where the state stands, looking from there.

    Nearness is that of the images, also where coordinates of a generator are moved. Frozen pixels keep the value that
    they have there.
    """
    place = replay(scene, state, memory)
    fiber, goal = fiber_of(scene, state, place.target), goal_of(scene, state, to)

    def search() -> Nearest:
        if state.space == "pixels":
            return nearest(fiber, goal, start=place.point, frozen=place.frozen, rtol=RTOL)
        decode = natural_of(scene).coordinates.decode
        return nearest(fiber, goal, start=place.point, measure=decode, rtol=RTOL, num_steps=_NATURAL_STEPS)

    return memory.recall(("nearest", state, to), search)
