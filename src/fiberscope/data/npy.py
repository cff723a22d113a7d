"""The header of an array as numpy stores it, read without evaluating it."""

from __future__ import annotations

import math
import re
import struct
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"\x93NUMPY"
_LONGEST = 65535  # bytes of a header; numpy writes about 120
_ITEM = r"""['"]descr['"]\s*:\s*['"](?P<descr>[<>|=]?[?a-zA-Z]\d{0,6})['"]
    |['"]fortran_order['"]\s*:\s*(?P<fortran>True|False)
    |['"]shape['"]\s*:\s*\((?P<shape>(?:\s*\d{1,20}L?\s*,)*\s*(?:\d{1,20}L?)?\s*)\)"""
_HEADER = re.compile(rf"\s*(?:{_ITEM})\s*", re.VERBOSE)
_NUMBERS = frozenset("biuf?")


@runtime_checkable
class Readable(Protocol):
    """A file, or what is unpacked of one."""

    def read(self, size: int = -1, /) -> bytes: ...  # noqa: D102


class Header(NamedTuple):
    """Type and shape of an array, and whether its first axis runs fastest."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: Readable, size: int) -> Header:
    """Read the header at the start of `size` bytes; raises ValueError unless it declares exactly those that follow."""
    begin = file.read(8)
    if begin[:6] != _MAGIC or len(begin) < 8:
        raise ValueError("it is no array of numpy")
    wide = begin[6] > 1
    length = struct.unpack("<I" if wide else "<H", file.read(4 if wide else 2))[0]
    if begin[6] not in (1, 2, 3) or length > _LONGEST:
        raise ValueError("its header is of no version that numpy writes")
    header = _parse(file.read(length).decode("utf-8"))
    found = size - (12 if wide else 10) - length
    if header.size != found:
        raise ValueError(f"its header declares {header.size} bytes of numbers, it holds {found}")
    return header


def read_flat(file: Readable, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    """Read numbers of that type and change them to this machine's order; raises ValueError where they end early."""
    flat = np.empty(count, dtype)
    buffer, at = flat.view(np.uint8), 0
    while at < len(buffer):
        part = file.read(min(2**20, len(buffer) - at))
        if not part:
            raise ValueError(f"it ends after {at} of {len(buffer)} bytes of numbers")
        buffer[at : at + len(part)] = np.frombuffer(part, np.uint8)
        at += len(part)
    return flat if dtype.isnative else flat.byteswap(inplace=True).view(dtype.newbyteorder("="))


def read_numbers(file: Readable, header: Header) -> NDArray[Any]:
    """Read the numbers behind the header; raises ValueError where they end early."""
    flat = read_flat(file, header.dtype, math.prod(header.shape))
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def _parse(words: str) -> Header:
    body = words.strip()
    if not (body.startswith("{") and body.endswith("}")):
        raise ValueError("its header is not what numpy writes")
    found: dict[str, str] = {}
    at, end = 1, len(body) - 1
    while at < end:
        item = _HEADER.match(body, at, end)
        if item is None:
            raise ValueError("its header is not what numpy writes, or of a type that is no single number")
        found.update({name: value for name, value in item.groupdict().items() if value is not None})
        at = item.end()
        if at < end and body[at] != ",":
            raise ValueError("its header is not what numpy writes")
        at += 1
        if not body[at:end].strip():
            break
    if set(found) != {"descr", "fortran", "shape"}:
        raise ValueError("its header lacks the type, the order or the shape")
    if found["descr"].lstrip("<>|=")[:1] not in _NUMBERS:
        raise ValueError(f"it holds {found['descr']}, which are no numbers")
    shape = tuple(int(size.strip().rstrip("L")) for size in found["shape"].split(",") if size.strip())
    return Header(np.dtype(found["descr"]), shape, found["fortran"] == "True")
