"""PNG: the chunks that make the picture, and whether all of its rows are there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND")
_MOST_CHUNKS = 100_000
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


class Png(NamedTuple):
    """The file without texts, profiles and other chunks that make no pixels, and what its header declares."""

    content: bytes
    packed: bytes
    width: int
    height: int
    pixel_bits: int
    interlaced: bool
    frames: int


def parse_png(content: bytes) -> Png:
    """Read the chunks, each by its checksum; raises ValueError for a file that is not one whole PNG."""
    chunks = list(_chunks(content))
    names = [name for name, _ in chunks]
    if names[:1] != [b"IHDR"] or names.count(b"IHDR") != 1 or len(chunks[0][1]) != 13:
        raise ValueError("its header is missing or repeated")
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    if not (0 < width < 2**31 and 0 < height < 2**31) or depth not in _DEPTHS.get(colour, ()):
        raise ValueError(f"its header declares {width} x {height} pixels of {depth} bits and colour type {colour}")
    if method or filters or interlace > 1:
        raise ValueError("its header declares a compression, filter or interlacing that PNG does not have")
    for name in names:
        if not name[0] & 0x20 and name not in _KEPT:
            raise ValueError(f"it has a chunk {name!r} that no reader may pass over")
    first = names.index(b"IDAT") if b"IDAT" in names else len(names)
    data = [body for name, body in chunks if name == b"IDAT"]
    if set(names[first : first + len(data)]) - {b"IDAT"} or not data:
        raise ValueError("its pixels are missing or torn apart")
    if (colour == 3 and b"PLTE" not in names[:first]) or names.count(b"PLTE") > 1:
        raise ValueError("its palette is missing or repeated")
    control = next((body for name, body in chunks if name == b"acTL" and len(body) == 8), b"\0\0\0\1")
    # the EXIF may stand behind the pixels; ahead of them it is known before they are decoded
    kept = sorted((each for each in chunks if each[0] in _KEPT), key=lambda each: _KEPT.index(each[0]))
    bare = SIGNATURE + b"".join(_chunk(name, body) for name, body in kept)
    pixel_bits = depth * _CHANNELS[colour]
    return Png(bare, b"".join(data), width, height, pixel_bits, interlace == 1, int.from_bytes(control[:4], "big"))


def refuse_part(png: Png) -> None:
    """Raise ValueError unless the packed bytes are those of all rows and no more.

    Pillow leaves rows black that are not there.
    """
    strides = [stride for stride, rows in _rows(png) for _ in range(rows)]
    wanted = sum(strides)
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(png.packed, wanted + 1)
    if len(raw) < wanted:
        whole = int(np.searchsorted(np.cumsum(strides), len(raw), side="right"))
        raise ValueError(f"{whole} of its {len(strides)} rows are there")
    if len(raw) > wanted or not unpacker.eof or unpacker.unused_data:
        raise ValueError("its pixels do not end with its last row")
    starts = np.cumsum([0, *strides[:-1]])
    if int(np.frombuffer(raw, np.uint8)[starts].max()) > 4:
        raise ValueError("a row is stored by a filter that PNG does not have")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, name, count = len(SIGNATURE), b"", 0
    while name != b"IEND":
        count += 1
        if count > _MOST_CHUNKS:
            raise ValueError(f"it has more than {_MOST_CHUNKS} chunks")
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if at + length + 12 > len(content):
            raise ValueError("it ends in the middle")
        body = content[at + 8 : at + 8 + length]
        if zlib.crc32(name + body) != int.from_bytes(content[at + 8 + length : at + 12 + length], "big"):
            raise ValueError(f"the checksum of its chunk {name!r} is wrong")
        yield name, body
        at += length + 12
    if at != len(content):
        raise ValueError(f"{len(content) - at} bytes follow its end")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _rows(png: Png) -> Iterator[tuple[int, int]]:
    """Bytes of a row with its filter, and the number of such rows, pass by pass."""
    for left, top, across, down in _ADAM7 if png.interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(png.width - left) // across), -(-(png.height - top) // down)
        if columns > 0 and rows > 0:
            yield 1 + -(-columns * png.pixel_bits // 8), rows
