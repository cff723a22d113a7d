"""What a person has done, as a value: where they began, and every move since. It says all that a picture needs."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Basis = Literal["data", "smooth", "variations", "toward", "random", "seen"]
Space = Literal["pixels", "natural"]

BASES: tuple[Basis, ...] = ("data", "smooth", "variations", "toward", "random", "seen")
SPACES: tuple[Space, ...] = ("pixels", "natural")

MOST_MOVES = 64
_AMOUNT, _PIXELS = 6.0, 28 * 28
MOST_DIRECTIONS = 64
VERSION = 1


@dataclass(frozen=True)
class ImageRef:
    """An image: its place in the data set, or the bytes of its pixels, row by row, one channel after the other."""

    index: int | None = None
    pixels: bytes | None = None


class Drag(NamedTuple):
    """So far along each direction of a basis at once; amounts are image distances, to first order."""

    basis: Basis
    amounts: tuple[float, ...]
    seed: int = 0
    to: ImageRef | None = None


class Morph(NamedTuple):
    """A share of the way to the image on the fiber that is nearest to another image."""

    to: ImageRef
    share: float = 1.0


class Paint(NamedTuple):
    """Coordinates of the flat image that get a value, 0 to 255, and keep it from here on."""

    pixels: tuple[int, ...]
    values: tuple[int, ...]


class Release(NamedTuple):
    """Coordinates of the flat image that were painted and may move again."""

    pixels: tuple[int, ...]


Move = Drag | Morph | Paint | Release


def most_amount(num_pixels: int) -> float:
    """How far a slider goes to either side: as far as suits digits, and further the more pixels there are."""
    return _AMOUNT * max(1, math.ceil(math.sqrt(num_pixels / _PIXELS)))


@dataclass(frozen=True)
class State:
    """Where it starts, in which space moves are made, and the moves, one after the other.

    ``radius`` is that of the tube around the fiber, as a share of the median latent distance within a class; zero for
    the fiber. ``straight`` leaves the last move as the linearisation has it, uncorrected.
    """

    image: ImageRef
    space: Space = "pixels"
    radius: float = 0.0
    straight: bool = False
    moves: tuple[Move, ...] = ()

    def before(self) -> State:
        """The state before the last move."""
        return replace(self, moves=self.moves[:-1], straight=False)


def as_json(state: State) -> dict[str, object]:
    """The state as the page keeps it in a link; `read_state` reads it back."""
    return {
        "v": VERSION,
        "image": _reference(state.image),
        "space": state.space,
        "radius": state.radius,
        "straight": state.straight,
        "moves": [_move(move) for move in state.moves],
    }


def _reference(image: ImageRef | None) -> dict[str, object] | None:
    if image is None:
        return None
    if image.pixels is None:
        return {"index": image.index}
    return {"pixels": base64.b64encode(image.pixels).decode()}


def _move(move: Move) -> dict[str, object]:
    match move:
        case Drag(basis, amounts, seed, to):
            found = {"kind": "drag", "basis": basis, "seed": seed, "to": _reference(to), "amounts": list(amounts)}
            return dict(found)
        case Morph(to, share):
            return {"kind": "morph", "to": _reference(to), "share": share}
        case Paint(pixels, values):
            return {"kind": "paint", "pixels": list(pixels), "values": list(values)}
        case Release(pixels):
            return {"kind": "release", "pixels": list(pixels)}
