"""How an answer travels: a header as JSON, then the arrays that it names, as they lie in memory."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ALIGN = 8  # bytes: typed arrays of a browser start at multiples of their item's size
_DTYPES: dict[np.dtype[np.generic], str] = {np.dtype(np.float32): "f32", np.dtype(np.uint8): "u8"}

Array = Tensor | NDArray[np.generic]


class Answer(NamedTuple):
    """A type, fields of JSON, and arrays of float32 or bytes; ``last`` where its request is answered with it."""

    type: str
    fields: Mapping[str, object]
    arrays: Mapping[str, Array] = {}
    last: bool = False


def encode(answer: Answer, identity: int | None) -> bytes:
    """The message: length of the header, header, arrays."""
    blobs, places, offset = [], {}, 0
    for name, array in answer.arrays.items():
        plain = _plain(array)
        blob = plain.tobytes()
        places[name] = {"dtype": _DTYPES[plain.dtype], "shape": list(plain.shape), "offset": offset}
        blobs.append(_padded(blob, b"\0"))
        offset += len(blobs[-1])
    header = {"type": answer.type, "id": identity, **answer.fields, "arrays": places}
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-(4 + len(text)) % _ALIGN)
    return b"".join((struct.pack("<I", len(text)), text, *blobs))


def decode(message: bytes) -> tuple[dict[str, object], dict[str, NDArray[np.generic]]]:
    """Header and arrays of a message: what the page does, for programs and tests."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    arrays = {}
    for name, place in header["arrays"].items():
        dtype = next(dtype for dtype, word in _DTYPES.items() if word == place["dtype"])
        part = memoryview(message)[4 + length + place["offset"] :][: math.prod(place["shape"]) * dtype.itemsize]
        arrays[name] = np.frombuffer(part, dtype).reshape(place["shape"])
    return header, arrays


def finite(value: float) -> float | None:
    """The number, or None where JSON has no word for it."""
    return value if math.isfinite(value) else None


def _plain(array: Array) -> NDArray[np.generic]:
    if isinstance(array, Tensor):
        array = array.detach().cpu()
        array = array.numpy() if array.dtype == torch.uint8 else array.float().numpy()
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _padded(blob: bytes, filling: bytes) -> bytes:
    return blob + filling * (-len(blob) % _ALIGN)
