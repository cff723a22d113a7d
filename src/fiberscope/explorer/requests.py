"""What the page can ask for, and how each question is answered: pure functions of the scene and the message."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fiberscope.explorer.export import FORMATS, MOST_STATES, export
from fiberscope.explorer.film import FRAMES, ending, film
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.picture import Picture, directions_at, picture, prepare
from fiberscope.explorer.read_state import as_list, as_object, choice, read_image, read_state, whole
from fiberscope.explorer.scene import Scene
from fiberscope.explorer.script import script
from fiberscope.explorer.space import image_of, radius_of
from fiberscope.explorer.state import BASES, Drag
from fiberscope.explorer.wire import Answer, finite
from fiberscope.judges import Verdict, decide
from fiberscope.moves import Outcome, widths
from fiberscope.problem import Fiber, FiberscopeError, Tube

_LEAST_MESSAGE = 256 * 2**10
_MESSAGE_BYTES_A_NUMBER = 8  # two images in base64, and a stroke over most of one
_MOST_THUMBNAILS = 120
_THUMBNAIL_BYTES = 4 * 2**20

Fields = Mapping[str, object]
Answers = Iterator[Answer | None]
"""None where a piece of work is done and there is nothing to send yet."""


class Request(NamedTuple):
    """One message: its kind, its number, and its fields as they came."""

    lane: str
    identity: int
    fields: Fields


def message_bytes(scene: Scene) -> int:
    """The longest message that is read."""
    return max(_LEAST_MESSAGE, _MESSAGE_BYTES_A_NUMBER * scene.latent_map.input_size)


def read_request(message: object) -> Request:
    """The request, if it is one; raises `FiberscopeError` that names what is wrong with it."""
    fields = as_object(message, "message")
    return Request(choice(fields, "type", tuple(LANES)), whole(fields, "id", 0, 2**53), fields)


def answers(scene: Scene, memory: Memory, request: Request) -> Answers:
    """The answers to one request, a piece of work at a time."""
    return LANES[request.lane](scene, memory, request.fields)


def _browse(scene: Scene, memory: Memory, fields: Fields) -> Answers:
    columns = {column.name: column.values for column in scene.columns}
    values = columns[choice(fields, "sort", tuple(columns))]
    places = np.arange(len(values))
    if fields.get("label") is not None:
        label = whole(fields, "label", 0, 2**31)
        if scene.labels is None:
            raise FiberscopeError("label: these images have no classes. Leave it out.")
        places = places[scene.labels.numpy() == label]
    # Unknown values last, whichever way the others go.
    keys = -values[places] if fields.get("descending") is True else values[places]
    places = places[np.argsort(keys, kind="stable")]
    offset = whole(fields, "offset", 0, 2**31)
    most = max(1, min(_MOST_THUMBNAILS, _THUMBNAIL_BYTES // scene.latent_map.input_size))
    shown = places[offset : offset + min(most, whole(fields, "count", 1, _MOST_THUMBNAILS))].tolist()
    items = [
        {
            "index": place,
            "name": scene.names[place],
            "label": None if scene.labels is None else int(scene.labels[place]),
            "value": finite(float(values[place])),
        }
        for place in shown
    ]
    bytes_of = (255 * scene.images[shown].clamp(0, 1)).round().to(torch.uint8)
    yield Answer("thumbnails", {"total": len(places), "items": items}, {"images": bytes_of}, last=True)


def _show(scene: Scene, memory: Memory, fields: Fields) -> Answers:
    began = time.perf_counter()
    state = read_state(fields.get("state"), scene)
    yield from prepare(scene, state, memory)
    found = picture(scene, state, memory)
    yield _frame(found, time.perf_counter() - began)


def _frame(found: Picture, seconds: float) -> Answer:
    outcome = found.outcome
    arrays = {"image": found.image, "start": found.start, "latent": found.latent, "target": found.target}
    if found.probabilities is not None:
        arrays["probabilities"] = found.probabilities
    fields = {
        "residual": finite(found.residual),
        "tolerance": found.tolerance,
        "on_fiber": found.on_fiber,
        "outcome": "straight line" if outcome is None else outcome.value,
        "advice": "" if outcome in (None, Outcome.CONVERGED) else outcome.advice,
        "distance": finite(found.distance),
        "class": None if found.probabilities is None else int(found.probabilities.argmax()),
        "seconds": round(seconds, 5),
    }
    return Answer("frame", fields, arrays, last=True)


def _verdict(scene: Scene, memory: Memory, fields: Fields) -> Answers:
    """What the judges say of the image that `_show` has shown; the page need not ask for it."""
    state = read_state(fields.get("state"), scene)
    yield from prepare(scene, state, memory)
    found = picture(scene, state, memory)
    if scene.panel is None or found.probabilities is None:
        raise FiberscopeError("verdict: there are no judges of such images. Look for yourself.")
    opinions = scene.panel.opinions(found.image[None].clamp(0, 1))
    (verdict,) = decide(opinions, found.probabilities.argmax()[None])
    judges = [
        {"name": name, "sees": int(said[0].argmax()), "confidence": float(said[0].max())}
        for name, said in zip(opinions.judges, opinions.per_judge, strict=True)
    ]
    # Only images that share the latent can collide.
    drifted = verdict is Verdict.COLLISION and not found.on_fiber
    fields = {
        "verdict": "unlike" if drifted else verdict.value,
        "sees": int(opinions.classes[0]),
        "confidence": float(opinions.confidence[0]),
        "judges": judges,
    }
    yield Answer("verdict", fields, last=True)


def _directions(scene: Scene, memory: Memory, fields: Fields) -> Answers:
    state = read_state(fields.get("state"), scene)
    to = None if fields.get("to") is None else read_image(fields["to"], scene, "to")
    drag = Drag(choice(fields, "basis", BASES), (), whole(fields, "seed", 0, 2**31), to)
    yield from prepare(scene, state, memory)
    found = directions_at(scene, state, drag, memory)
    cards = [{"title": title, "note": note} for title, note in zip(found.titles, found.notes, strict=True)]
    yield Answer("directions", {"basis": drag.basis, "cards": cards}, {"pictures": found.pictures}, last=True)


def _morph(scene: Scene, memory: Memory, fields: Fields) -> Answers:
    state = read_state(fields.get("state"), scene)
    to = read_image(fields.get("to"), scene, "to")
    yield from prepare(scene, replace(state, straight=False), memory)
    for part in film(scene, state, to, memory):
        told: dict[str, object] = {
            "first": part.first,
            "total": FRAMES,
            "shares": part.shares,
            "residuals": [finite(each.residual) for each in part.pictures],
            "on_fiber": [each.on_fiber for each in part.pictures],
            "distances": [finite(each.distance) for each in part.pictures],
            "done": part.first + len(part.pictures) == FRAMES,
        }
        if told["done"]:
            end = ending(scene, state, to, memory)
            outcome = end.found.outcome[0]
            told |= {
                "near": finite(end.near),
                "apart": finite(end.apart),
                "slope": finite(float(end.found.slope[0])),
                "outcome": outcome.value,
                "advice": "" if outcome is Outcome.CONVERGED else outcome.advice,
            }
        yield Answer("film", told, _stacked(part.pictures), last=bool(told["done"]))


def _stacked(pictures: tuple[Picture, ...]) -> dict[str, Tensor]:
    arrays = {
        "images": torch.stack([each.image for each in pictures]),
        "latents": torch.stack([each.latent for each in pictures]),
    }
    said = [each.probabilities for each in pictures if each.probabilities is not None]
    return arrays | ({"probabilities": torch.stack(said)} if said else {})


def _freedom(scene: Scene, memory: Memory, fields: Fields) -> Answers:
    """How wide the tube is where it is measured best: in its middle, at the image where the state starts."""
    state = read_state(fields.get("state"), scene)
    radius = radius_of(scene, state)
    axes = min(scene.latent_map.latent_size, scene.latent_map.input_size)
    half: list[float | None] = [0.0] * axes
    bounded = [True] * axes
    if radius > 0:
        middle = image_of(scene, state.image)
        measured = memory.recall(
            ("widths", state.image, state.radius),
            lambda: widths(Tube(Fiber.through(scene.latent_map, middle, box=scene.box), radius), middle),
        )
        half = [finite(float(width)) for width in measured.true[:, 0]]
        bounded = measured.bounded[:, 0].tolist()
    yield Answer("freedom", {"radius": radius, "widths": half, "bounded": bounded}, last=True)


def _export(scene: Scene, memory: Memory, fields: Fields) -> Answers:
    states = [read_state(each, scene) for each in as_list(fields.get("states"), "states", MOST_STATES)]
    made = export(scene, states, choice(fields, "format", FORMATS), memory)
    for file in made:
        if file is None:  # a piece of work is done, the file is not: others have their turn
            yield None
            continue
        blob = np.frombuffer(file.content, np.uint8)
        yield Answer("file", {"name": file.name, "media": file.media}, {"bytes": blob}, last=True)


def _python(scene: Scene, memory: Memory, fields: Fields) -> Answers:
    yield Answer("python", {"text": script(scene, read_state(fields.get("state"), scene))}, last=True)


LANES: dict[str, Callable[[Scene, Memory, Fields], Answers]] = {
    "show": _show,
    "directions": _directions,
    "browse": _browse,
    "python": _python,
    "verdict": _verdict,
    "morph": _morph,
    "freedom": _freedom,
    "export": _export,
}
"""What can be asked; of one lane the newest message counts."""

LONG_LANES = frozenset({"verdict", "morph", "freedom", "export"})
"""Those that may take longer than a person who drags should wait."""
