"""JPEG: whether all of the picture is there, which decoders do not say: they fill up what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # within pixels 0 and the restarts D0 to D7 follow FF
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_FRAMES = (0xC0, 0xC1, 0xC2)  # Huffman codes, at once or progressive: what there is of JPEG in practice
_END, _SCAN, _INTERVAL = 0xD9, 0xDA, 0xDD
_NOISE = tuple(bytes((step * (place + 2)) % 255 for place in range(64)) for step in (37, 101))  # without FF
_COEFFICIENTS = 64


class _Segment(NamedTuple):
    marker: int
    body: bytes
    end: int


class _Frame(NamedTuple):
    width: int
    height: int
    sampling: dict[int, tuple[int, int]]  # of each component, across and down


def padded_jpegs(content: bytes) -> Iterator[bytes]:
    """Yield the picture with noise behind the pixels of each scan, where decoders look only for what is missing.

    A whole picture is the same with the noise, a part is not. Raises ValueError where scans or restarts are missing.
    """
    ends = _scan_ends(content)
    for noise in _NOISE:
        parts = [content[start:end] + noise for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        yield b"".join([*parts, content[ends[-1] :]])


def _scan_ends(content: bytes) -> list[int]:
    frame, interval, ends = None, 0, []
    bits: dict[tuple[int, int], int] = {}  # of each component and coefficient, how many of the lowest are missing
    for marker, body, at in _segments(content):
        if marker in _FRAMES:
            frame = _parse_frame(body)
            bits = {(each, place): 1 for each in frame.sampling for place in range(_COEFFICIENTS)}
        elif marker == _INTERVAL:
            interval = int.from_bytes(body[:2], "big")
        elif marker == _SCAN:
            if frame is None:
                raise ValueError("its pixels come before its size")
            components, first, last, missing = list(body[1 : 1 + 2 * body[0] : 2]), body[-3], body[-2], body[-1] & 15
            bits.update({(each, place): missing for each in components for place in range(first, last + 1)})
            found = _MARKER.search(content, at)
            ends.append(found.start() if found else len(content))
            _refuse_missing_restarts(content[at : ends[-1]], _blocks(frame, components), interval)
    if not ends or any(bits.values()):
        raise ValueError("a part of its scans is missing")
    return ends


def _segments(content: bytes) -> Iterator[_Segment]:
    at = 2
    while (found := _MARKER.search(content, at)) and content[found.end() - 1] != _END:
        length = int.from_bytes(content[found.end() : found.end() + 2], "big")
        at = found.end() + length
        yield _Segment(content[found.end() - 1], content[found.end() + 2 : at], at)


def _parse_frame(body: bytes) -> _Frame:
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    sampling = {body[at]: (body[at + 1] >> 4, body[at + 1] & 15) for at in range(6, 6 + 3 * body[5], 3)}
    return _Frame(width, height, sampling)


def _blocks(frame: _Frame, components: list[int]) -> int:
    """Count the units that a scan of these components consists of."""
    across, down = (max(each[axis] for each in frame.sampling.values()) for axis in (0, 1))
    if len(components) > 1:
        return -(-frame.width // (8 * across)) * -(-frame.height // (8 * down))
    own = frame.sampling[components[0]]
    columns, rows = -(-frame.width * own[0] // across), -(-frame.height * own[1] // down)
    return -(-columns // 8) * -(-rows // 8)


def _refuse_missing_restarts(pixels: bytes, blocks: int, interval: int) -> None:
    wanted = -(-blocks // interval) - 1 if interval else 0
    found = len(_RESTART.findall(pixels))
    if found != wanted:
        raise ValueError(f"{found} of {wanted} restarts within its pixels are there")
