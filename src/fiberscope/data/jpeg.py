"""JPEG: whether all of the picture is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # within pixels 0 and the restarts D0 to D7 follow FF
_END, _SCAN = 0xD9, 0xDA
_PADDING = bytes((37 * place + 91) % 255 for place in range(64))  # noise without FF


def padded_jpeg(content: bytes) -> bytes:
    """Return the picture with noise behind the pixels of each scan, where decoders look only for what is missing.

    They fill up pixels that are missing and say nothing. A whole picture is the same with the noise, a part is not.
    Raises ValueError for a file without scans.
    """
    parts, at = [], 0
    for end in _scan_ends(content):
        parts += [content[at:end], _PADDING]
        at = end
    if not parts:
        raise ValueError("it has no pixels")
    return b"".join([*parts, content[at:]])


def _scan_ends(content: bytes) -> Iterator[int]:
    at = 2
    while at + 4 <= len(content):
        marker = content[at + 1]
        if content[at] != 0xFF:
            raise ValueError("its segments do not follow one another")
        if marker == _END:
            return
        if marker == 0xFF:
            at += 1
            continue
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == _SCAN:
            found = _MARKER.search(content, at)
            at = found.start() if found else len(content)
            yield at
