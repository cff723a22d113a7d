"""Found images as files: PNG, an animation of the way to one, and an archive with everything that proves them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fiberscope.analysis.provenance import versions
from fiberscope.explorer.film import way_of
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.picture import Picture, picture, prepare
from fiberscope.explorer.scene import RTOL, Scene
from fiberscope.explorer.state import State, as_json
from fiberscope.problem import FiberscopeError

Format = Literal["png", "apng", "webp", "npz"]
FORMATS: tuple[Format, ...] = ("png", "apng", "webp", "npz")
MOST_STATES = 48
_MOST_FRAMES = 96
_SIDE = 280  # pixels, about: an animation of 28 is too small to look at
_MILLISECONDS = 60  # a frame
_PAUSE = 900  # on the last one


class File(NamedTuple):
    """A file's name, media type and content."""

    name: str
    media: str
    content: bytes


def export(scene: Scene, states: Sequence[State], format_: Format, memory: Memory) -> Iterator[File | None]:
    """Make the file, a piece of work at a time; None while there is more to do.

    PNG and npz hold the images in their own size, animations enlarged ones. A PNG has whole grey values, so its latent
    is near the target only; an npz archive holds every number as it was found. Raises `FiberscopeError` for no state,
    or several where one is wanted.
    """
    if not states or (len(states) > 1 and format_ != "npz"):
        raise FiberscopeError(
            f"states: {len(states)} for a file of the kind {format_}. Give one, or for npz one or more."
        )
    for state in states:
        yield from prepare(scene, state, memory)
    if format_ == "png":
        found = picture(scene, states[0], memory)
        yield File(_name(scene, states[0], "png"), "image/png", _png(found, states[0]))
    elif format_ == "npz":
        pictures = []
        for state in states:
            pictures.append(picture(scene, state, memory))
            yield None
        yield File(f"fiberscope-{len(states)}.npz", "application/octet-stream", _npz(scene, states, pictures))
    else:
        yield from _animation(scene, states[0], format_, memory)


def _animation(scene: Scene, state: State, format_: Format, memory: Memory) -> Iterator[File | None]:
    each = max(1, _MOST_FRAMES // max(1, len(state.moves)))
    frames = []
    for found in way_of(scene, state, memory, frames=min(24, each)):
        frames.append(_enlarged(_as_image(found)))
        yield None
    kind = "PNG" if format_ == "apng" else "WEBP"
    buffer = io.BytesIO()
    durations = [_MILLISECONDS] * (len(frames) - 1) + [_PAUSE]
    options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    frames[0].save(buffer, kind, **(options if format_ == "apng" else {**options, "lossless": True}))
    suffix, media = ("png", "image/apng") if format_ == "apng" else ("webp", "image/webp")
    yield File(_name(scene, state, suffix, "way-"), media, buffer.getvalue())


def _name(scene: Scene, state: State, suffix: str, kind: str = "") -> str:
    """Of ASCII letters, figures and dashes, whatever the images are called."""
    place = state.image.index
    words = "own" if place is None else scene.names[place]
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in words)[:60]
    return f"fiberscope-{kind}{plain}.{suffix}"


def _as_image(found: Picture) -> Image.Image:
    grey = (255 * found.image.detach().cpu().clamp(0, 1)).round().to(torch.uint8).numpy()
    if grey.ndim != 3 or grey.shape[0] not in (1, 3):
        raise FiberscopeError(f"format: coordinates of shape {grey.shape} are no picture. Choose npz.")
    return Image.fromarray(grey[0] if grey.shape[0] == 1 else np.ascontiguousarray(grey.transpose(1, 2, 0)))


def _enlarged(image: Image.Image) -> Image.Image:
    times = max(1, _SIDE // max(image.size))
    return image.resize((times * image.width, times * image.height), Image.Resampling.NEAREST)


def _png(found: Picture, state: State) -> bytes:
    words = PngInfo()
    words.add_text("fiberscope state", json.dumps(as_json(state)))
    words.add_text("fiberscope residual", f"{found.residual:.3e} before rounding to whole grey values")
    buffer = io.BytesIO()
    _as_image(found).save(buffer, "PNG", pnginfo=words)
    return buffer.getvalue()


def _npz(scene: Scene, states: Sequence[State], pictures: Sequence[Picture]) -> bytes:
    def stacked(name: str) -> np.ndarray:
        return torch.stack([getattr(found, name) for found in pictures]).detach().cpu().numpy()

    arrays = {name: stacked(name[:-1]) for name in ("images", "starts", "latents", "targets")}
    if pictures[0].probabilities is not None:
        arrays["probabilities"] = stacked("probabilities")
    arrays |= {
        "relative_residuals": np.array([found.residual for found in pictures]),
        "tolerances": np.array([found.tolerance for found in pictures]),
        "distances": np.array([found.distance for found in pictures]),
        "outcomes": np.array([found.outcome.value if found.outcome else "straight line" for found in pictures]),
        "states": np.array([json.dumps(as_json(state)) for state in states]),
        "provenance": np.array(json.dumps(_provenance(scene))),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _provenance(scene: Scene) -> dict[str, object]:
    return {
        "model": scene.model,
        "layer": scene.layer,
        "weights_sha256": scene.weights_sha256,
        "data": scene.data,
        "input_shape": list(scene.latent_map.input_shape),
        "dtype": str(scene.latent_map.dtype),
        "rtol": RTOL,
        "residual": "|f(x) - target| / |target|, f up to the layer",
        "versions": versions(),
    }
