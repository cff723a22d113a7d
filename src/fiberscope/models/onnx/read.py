"""Reading ONNX models from files and bytes, whose sizes are looked at before they are unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onnx import ModelProto

from fiberscope.models.onnx.limits import LIMIT, refuse_beyond, tell
from fiberscope.problem.errors import ModelError

_LARGEST = 2**31  # bytes, the bound of protobuf
_FIELD = 512  # bytes that an empty message takes once it is read and made anew, from two in the file
_DEEPEST = 100  # messages inside messages, protobuf's own bound
_INTEGERS = (1, 2, 3, 4)  # kinds of fields, by protobuf's numbers


def read(source: Path | bytes) -> ModelProto:
    """The model in a file or in bytes, without the weights it keeps in other files; raises ModelError where none is."""
    name = "the model" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else _content(source)
    model = ModelProto()
    try:
        if len(content) * _FIELD > LIMIT:
            refuse_beyond(_unpacked(content, ModelProto.DESCRIPTOR, 0, len(content)), "reading")
        model.ParseFromString(content)
    except ModelError:
        raise
    except Exception as error:  # of protobuf, whatever it trips over
        raise ModelError(f"model {name} is truncated or no ONNX file ({tell(error)}); copy it again") from error
    if not model.graph.node:
        raise ModelError(f"model {name} is truncated or no ONNX file (it holds no operator); copy it again")
    return model


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ModelError(f"model {path} does not exist; check the path")
    try:
        size = path.stat().st_size
        if size >= _LARGEST:
            raise ModelError(
                f"model {path} has {size} bytes, and an ONNX file holds less than {_LARGEST}; save it with its weights "
                "in files of their own: onnx.save(model, path, save_as_external_data=True)"
            )
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {path} cannot be read ({tell(error)}); check its permissions") from error


def _unpacked(content: bytes, kind: Any, start: int, end: int, depth: int = 0) -> int:
    """Bytes that a message takes beyond its own size once it is read, at most; stops where they pass the limit."""
    if depth > _DEEPEST:
        raise ValueError("messages are inside each other too deeply")
    needed, place = 0, start
    while place < end and needed <= LIMIT:
        key, place = _varint(content, place)
        needed += _FIELD
        match key & 7:
            case 0:
                _, place = _varint(content, place)
            case 1 | 5:
                place += 8 if key & 7 == 1 else 4
            case 2:
                length, place = _varint(content, place)
                field = kind.fields_by_number.get(key >> 3)
                if field is not None and field.message_type is not None:
                    needed += _unpacked(content, field.message_type, place, min(end, place + length), depth + 1)
                elif field is not None and field.cpp_type in _INTEGERS:
                    needed += 8 * length
                place += length
            case other:
                raise ValueError(f"wire type {other}")
    return needed


def _varint(content: bytes, place: int) -> tuple[int, int]:
    byte = content[place]
    if byte < 128:
        return byte, place + 1
    value, shift = byte & 127, 7
    while byte >= 128:
        if shift > 63:
            raise ValueError("a number of more than ten bytes")
        place += 1
        byte = content[place]
        value |= (byte & 127) << shift
        shift += 7
    return value, place + 1
