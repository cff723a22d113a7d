"""From a state to its picture: every move in turn, each kept on the fiber, and what the network says at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.explorer.directions import Directions, directions
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.scene import RTOL, Scene
from fiberscope.explorer.space import begin, coordinates_of, fiber_of, image_of, natural_of, picture_of
from fiberscope.explorer.state import Drag, ImageRef, Morph, Move, Paint, Release, State
from fiberscope.moves import Nearest, Outcome, nearest, project
from fiberscope.problem import FiberscopeError

_PART = 6  # pixels of a stroke that are brought back at once
_MOST_PARTS = 24
PAINT_RESTARTS = 2  # painted pixels can ask for much: a few new starts, no more, so that a person gets an answer


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
    place = replay(scene, state, memory or Memory())
    return look(scene, state, place, place.image, place.outcome)


def look(scene: Scene, state: State, place: Place, image: Float[Tensor, "1 ..."], outcome: Outcome | None) -> Picture:
    """What the network says of one image, beside the target of the place."""
    with torch.no_grad():
        latent, said = scene.latent_map(image)[0], scene.logits(image)[0] if scene.logits else None
    size = float(place.target.norm()) or 1.0
    radius = state.radius * scene.scale.within if scene.scale else 0.0
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
            near = nearest_to(scene, state.before(), to, memory).points
            if share == 1.0 and not state.straight:
                return before._replace(point=near, outcome=Outcome.CONVERGED)
            return _settle(scene, state, before, torch.lerp(before.point, near, share))
        case Paint():
            return _painted(scene, state, before, move, memory, restarts=PAINT_RESTARTS)
        case Release(pixels):
            frozen = before.frozen.clone().flatten()
            frozen[list(pixels)] = False
            return before._replace(frozen=frozen.reshape(before.frozen.shape))


def _dragged(point: Float[Tensor, "1 ..."], ways: Directions, move: Drag) -> Float[Tensor, "1 ..."]:
    if len(move.amounts) != len(ways.vectors):
        raise FiberscopeError(
            f"amounts: {len(move.amounts)} for {len(ways.vectors)} directions of the basis {move.basis!r}. Give one "
            "for each."
        )
    amounts = torch.tensor(move.amounts).to(point)
    return point + (amounts @ ways.vectors).reshape(point.shape)


def _painted(scene: Scene, state: State, before: Place, paint: Paint, memory: Memory, *, restarts: int = 0) -> Place:
    """A few pixels at a time in the order of the stroke, each time brought back to the fiber.

    All at once, the rest would move 1.5 times as far, now and then until nothing of the image is left. While a stroke
    is going on, all of it but its end is remembered.
    """
    done = _settled_part(len(paint.pixels))
    first, rest = paint._replace(pixels=paint.pixels[:done], values=paint.values[:done]), slice(done, None)
    place = before
    if done:
        key = ("painted", state.before(), state.straight, first)
        place = memory.recall(key, lambda: _painted(scene, state, before, first, memory))
    pixels = list(paint.pixels[rest])
    wish, frozen = place.point.clone().flatten(), place.frozen.clone().flatten()
    wish[pixels] = torch.tensor(paint.values[rest]).to(wish) / 255
    frozen[pixels] = True
    there = place._replace(frozen=frozen.reshape(place.frozen.shape))
    return _settle(scene, state, there, wish.reshape(place.point.shape), restarts=restarts)


def _settled_part(count: int) -> int:
    """How many of a stroke's pixels come before its last part; parts are longer in long strokes."""
    part = _PART
    while count > _MOST_PARTS * part:
        part *= 2
    return max(0, (count - 1) // part * part)


def _settle(scene: Scene, state: State, before: Place, wish: Float[Tensor, "1 ..."], *, restarts: int = 0) -> Place:
    """The wish inside the box, and unless the straight line itself is wanted, brought back to the fiber."""
    natural = state.space == "natural"
    inside = wish if natural else wish.clamp(0.0, 1.0)
    if state.straight:
        return before._replace(point=inside, outcome=None)
    fiber = fiber_of(scene, state, before.target)
    frozen = None if natural else before.frozen
    found = project(fiber, inside, frozen=frozen, rtol=RTOL, num_restarts=restarts)
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

    Frozen pixels keep the value that they have there.
    """
    place = replay(scene, state, memory)
    frozen = None if state.space == "natural" else place.frozen
    fiber, goal = fiber_of(scene, state, place.target), goal_of(scene, state, to)
    return memory.recall(
        ("nearest", replace(state, straight=False), to),
        lambda: nearest(fiber, goal, start=place.point, frozen=frozen, rtol=RTOL),
    )
