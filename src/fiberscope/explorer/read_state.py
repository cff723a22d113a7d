"""A state from JSON that anybody may have written: every field checked, each error says what is wanted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TypeVar

from fiberscope.explorer.scene import Scene
from fiberscope.explorer.state import (
    BASES,
    MOST_DIRECTIONS,
    MOST_MOVES,
    SPACES,
    VERSION,
    Drag,
    ImageRef,
    Morph,
    Move,
    Paint,
    Release,
    State,
    most_amount,
)
from fiberscope.problem import FiberscopeError

_BYTE = 255
_MOST_SEED = 2**31
_Choice = TypeVar("_Choice", bound=str)


def read_state(found: object, scene: Scene) -> State:
    """The state, if it is one of this scene; raises `FiberscopeError` that names the field."""
    fields = as_object(found, "state")
    if fields.get("v") != VERSION or isinstance(fields.get("v"), bool):
        found_version = _shown(fields.get("v"))
        raise FiberscopeError(f"state: version {found_version} is not {VERSION}. Open a link of this version.")
    space = choice(fields, "space", SPACES)
    if space == "natural" and scene.natural is None:
        raise FiberscopeError("space: there is no generator for these images. Stay in pixels.")
    radius = number(fields, "radius", 0.0, 1.0)
    if radius > 0 and scene.scale is None:
        raise FiberscopeError("radius: without labelled images there is no unit for it. Keep it at 0.")
    straight = fields.get("straight")
    if not isinstance(straight, bool):
        raise FiberscopeError(f"straight: expected true or false, found {_shown(straight)}.")
    moves = as_list(fields.get("moves"), "moves", MOST_MOVES)
    return State(
        read_image(fields.get("image"), scene, "image"),
        space,
        radius,
        straight,
        tuple(_read_move(move, scene, space) for move in moves),
    )


def read_image(found: object, scene: Scene, name: str) -> ImageRef:
    """An image of the data set by its index, or pixels of its own."""
    fields = as_object(found, name)
    if "index" in fields:
        return ImageRef(index=whole(fields, "index", 0, len(scene.images) - 1))
    text, size = fields.get("pixels"), scene.latent_map.input_size
    if not isinstance(text, str) or len(text) > 2 * size + 8:
        raise FiberscopeError(f"{name}: expected an index, or {size} pixels as base64.")
    try:
        pixels = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FiberscopeError(f"{name}: the pixels are not base64.") from None
    if len(pixels) != size:
        raise FiberscopeError(f"{name}: expected {size} pixels of a byte each, found {len(pixels)}.")
    return ImageRef(pixels=pixels)


def _read_move(found: object, scene: Scene, space: str) -> Move:
    fields = as_object(found, "moves")
    match fields.get("kind"):
        case "drag":
            return _read_drag(fields, scene)
        case "morph":
            return Morph(read_image(fields.get("to"), scene, "to"), number(fields, "share", 0.0, 1.0))
        case "paint" | "release" if space != "pixels":
            raise FiberscopeError("moves: pixels can be painted in the space of pixels alone. Switch back to it.")
        case "paint":
            pixels = _read_pixels(fields, scene)
            values = _whole_numbers(fields.get("values"), "values", len(pixels), _BYTE)
            if len(values) != len(pixels):
                raise FiberscopeError(f"values: {len(values)} for {len(pixels)} pixels. Give one for each.")
            return Paint(pixels, values)
        case "release":
            return Release(_read_pixels(fields, scene))
        case other:
            raise FiberscopeError(f"kind: expected drag, morph, paint or release, found {_shown(other)}.")


def _read_drag(fields: Mapping[str, object], scene: Scene) -> Drag:
    amounts = as_list(fields.get("amounts"), "amounts", MOST_DIRECTIONS)
    most = most_amount(scene.latent_map.input_size)
    return Drag(
        choice(fields, "basis", BASES),
        tuple(_in_range(amount, "amounts", -most, most) for amount in amounts),
        whole(fields, "seed", 0, _MOST_SEED),
        None if fields.get("to") is None else read_image(fields["to"], scene, "to"),
    )


def _read_pixels(fields: Mapping[str, object], scene: Scene) -> tuple[int, ...]:
    size = scene.latent_map.input_size
    pixels = _whole_numbers(fields.get("pixels"), "pixels", size, size - 1)
    if len(set(pixels)) < len(pixels):
        raise FiberscopeError("pixels: one of them is named twice. Name each once.")
    return pixels


def as_object(found: object, name: str) -> Mapping[str, object]:
    """An object of JSON."""
    if not isinstance(found, dict):
        raise FiberscopeError(f"{name}: expected an object, found {_shown(found)}.")
    return found


def as_list(found: object, name: str, most: int) -> Sequence[object]:
    """A list of JSON that is not too long."""
    if not isinstance(found, list) or len(found) > most:
        words = f"{len(found)} entries" if isinstance(found, list) else _shown(found)
        raise FiberscopeError(f"{name}: expected a list of at most {most} entries, found {words}.")
    return found


def choice(fields: Mapping[str, object], name: str, choices: Sequence[_Choice]) -> _Choice:
    """One of these words."""
    for word in choices:
        if fields.get(name) == word:
            return word
    raise FiberscopeError(f"{name}: expected one of {', '.join(choices)}, found {_shown(fields.get(name))}.")


def whole(fields: Mapping[str, object], name: str, low: int, high: int) -> int:
    """A whole number between bounds."""
    return _checked_whole(fields.get(name), name, low, high)


def number(fields: Mapping[str, object], name: str, low: float, high: float) -> float:
    """A number between bounds."""
    return _in_range(fields.get(name), name, low, high)


def _whole_numbers(found: object, name: str, most: int, high: int) -> tuple[int, ...]:
    return tuple(_checked_whole(value, name, 0, high) for value in as_list(found, name, most))


def _checked_whole(value: object, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise FiberscopeError(f"{name}: expected a whole number from {low} to {high}, found {_shown(value)}.")
    return value


def _in_range(value: object, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise FiberscopeError(f"{name}: expected a number from {low:g} to {high:g}, found {_shown(value)}.")
    return float(value)


def _shown(value: object, most: int = 40) -> str:
    """What was found, in a few characters: it may be anything."""
    words = repr(value) if isinstance(value, str | int | float | bool | type(None)) else f"a {type(value).__name__}"
    return words if len(words) <= most else f"{words[:most]}…"
