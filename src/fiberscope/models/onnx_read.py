"""Reading ONNX models from files and bytes, whose sizes are looked at before they are unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onnx import ModelProto

from fiberscope.models.onnx_limits import LIMIT, refuse_beyond, tell
from fiberscope.problem.errors import ModelError

_LARGEST = 2**31  # bytes, the bound of protobuf
_FIELD = 256  # bytes that an empty message takes once it is read, from two in the file
_DEEPEST = 100  # messages inside messages, protobuf's own bound
_INTEGERS = (1, 2, 3, 4)  # kinds of fields, by protobuf's numbers


def read(source: Path | bytes) -> ModelProto:
    """The model in a file or in bytes, without the weights it keeps in other files; raises ModelError where none is."""
    name = "the model" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else _content(source)
    model = ModelProto()
    try:
        if len(content) * _FIELD > LIMIT:
            refuse_beyond(_unpacked(memoryview(content), ModelProto.DESCRIPTOR, 0), "reading")
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


def _unpacked(content: memoryview, kind: Any, depth: int) -> int:
    """Bytes that a message takes beyond its own size once it is read, at most; stops where they pass the limit."""
    if depth > _DEEPEST:
        raise ValueError("messages are inside each other too deeply")
    needed, place = 0, 0
    while place < len(content) and needed <= LIMIT:
        key, place = _varint(content, place)
        field = kind.fields_by_number.get(key >> 3)
        needed += _FIELD
        match key & 7:
            case 0:
                _, place = _varint(content, place)
            case 1:
                place += 8
            case 5:
                place += 4
            case 2:
                length, place = _varint(content, place)
                inner = content[place : place + length]
                place += length
                if field is not None and field.message_type is not None:
                    needed += _unpacked(inner, field.message_type, depth + 1)
                elif field is not None and field.cpp_type in _INTEGERS:
                    needed += 8 * length
            case other:
                raise ValueError(f"wire type {other}")
    return needed


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("a number of more than ten bytes")
