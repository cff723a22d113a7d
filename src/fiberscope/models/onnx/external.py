"""Weights that an ONNX file keeps in other files beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from onnx import TensorProto

from fiberscope.models.onnx.limits import quote, tell
from fiberscope.problem.errors import ModelError

_KEYS = ("location", "offset", "length", "checksum", "basepath")


def read_external(tensor: TensorProto, size: int, folder: Path | None) -> bytes:
    """The ``size`` bytes of a tensor that are in a file inside the model's folder; raises ModelError otherwise.

    A location is a path inside the folder, and no link leads out of it.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if folder is None:
        raise ModelError(
            "model: its weights are in other files, and bytes have no folder; give the path of the .onnx file"
        )
    if not set(entries) <= set(_KEYS) or len(entries) < len(tensor.external_data):
        raise _refusal(entries, f"keys {quote(', '.join(entries))}, wanted location, offset and length")
    path = _inside(folder, entries)
    offset, length = (_number(entries, key, default) for key, default in (("offset", 0), ("length", size)))
    if length != size:
        raise _refusal(entries, f"length {length}, and its sizes and type need {size} bytes")
    try:
        if offset + size > path.stat().st_size:
            raise _refusal(entries, f"bytes to {offset + size} of a file of {path.stat().st_size}")
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except OSError as error:
        raise _refusal(entries, tell(error)) from error


def size_of_files(tensors: Iterable[TensorProto], folder: Path | None) -> int:
    """Bytes of all the files that tensors are kept in, each counted once; 0 where there are none."""
    places = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
    paths = {_inside(folder, {"location": place}) for place in places} if folder is not None else set()
    return sum(path.stat().st_size for path in paths)


def _inside(folder: Path, entries: dict[str, str]) -> Path:
    location = entries.get("location", "")
    if not location or not location.isprintable() or Path(location).is_absolute() or ".." in Path(location).parts:
        raise _refusal(entries, "a place that is not inside the model's folder")
    try:
        path = (folder / location).resolve()
        inside = path.is_relative_to(folder.resolve())
        there = path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise _refusal(entries, tell(error)) from error
    if not inside:
        raise _refusal(entries, "a link that leads out of the model's folder")
    if not there:
        raise ModelError(f"model: it lacks a file, {quote(location)}; copy the files of its weights beside it")
    return path


def _number(entries: dict[str, str], key: str, default: int) -> int:
    text = entries.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise _refusal(entries, f"{key} {quote(text)}, wanted a number of bytes")
    return int(text)


def _refusal(entries: dict[str, str], reason: str) -> ModelError:
    location = quote(entries.get("location", ""))
    return ModelError(
        f"model: its weights in {location} cannot be read ({reason}). Copy the model anew with all its files, or save "
        "it as one: onnx.save(onnx.load(path), other)"
    )
