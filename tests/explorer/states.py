"""States to make pictures of, and what the network says of images without any help of the explorer."""

from __future__ import annotations

import json

import torch
from torch import Tensor

from fiberscope.data import mnist
from fiberscope.explorer import Drag, ImageRef, Morph, Paint, State, as_json

NINE, ZERO = ImageRef(index=7), ImageRef(index=3)
INK = tuple(range(14 * 28 + 8, 14 * 28 + 20))  # a stroke through the middle
STROKE = Paint(INK, (255,) * len(INK))


def starting(*moves, image: ImageRef = NINE, **options) -> State:
    return State(image, moves=moves, **options)


def along(basis: str, count: int, amount: float, *, place: int = 0, seed: int = 0, to: ImageRef | None = None) -> Drag:
    """A drag along one of ``count`` directions."""
    return Drag(basis, tuple(amount if i == place else 0.0 for i in range(count)), seed, to)


MESSAGES = {
    "browse": {"label": 3, "sort": "index", "descending": False, "offset": 0, "count": 4},
    "show": {"state": as_json(starting(along("seen", 8, 1.0)))},
    "directions": {"state": as_json(starting()), "basis": "random", "seed": 3, "to": None},
    "morph": {"state": as_json(starting()), "to": {"index": 3}},
    "freedom": {"state": as_json(starting(radius=0.5))},
    "export": {"format": "png", "states": [as_json(starting(STROKE))]},
    "python": {"state": as_json(starting(Morph(ZERO)))},
}


def message(kind: str, identity: int, **fields) -> str:
    return json.dumps({"type": kind, "id": identity, **(fields or MESSAGES[kind])})


def digit(reference: ImageRef = NINE) -> Tensor:
    return mnist("test").images[reference.index]


def relative_residual(encoder, images: Tensor, reference: ImageRef = NINE) -> Tensor:
    """Of each image, by a forward pass that shares nothing with what made them."""
    with torch.no_grad():
        target = encoder(digit(reference)[None])
        return (encoder(images.reshape(-1, 1, 28, 28)) - target).norm(dim=1) / target.norm()
