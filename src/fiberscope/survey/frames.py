"""The frames that a shard is made of, looked at before anything is unpacked.

References: Zarr sharding codec, version 1.0 (index of offsets and lengths at the end, then its CRC32C); RFC 8878,
section 3.1.1.1 (header of a Zstandard frame).
"""

from __future__ import annotations

import os
from typing import BinaryIO

import numpy as np

_MAGIC = b"\x28\xb5\x2f\xfd"
_EMPTY = 2**64 - 1  # offset and length of a chunk that is not there
_CHECKSUM = 4  # bytes
_LONGEST_HEADER = 18  # bytes


def misfit_of_shard(file: BinaryIO, *, chunks: int, chunk_bytes: int) -> str | None:
    """Say what is wrong with a shard of so many chunks, each so large when it is unpacked; None where nothing is.

    Costs two reads, and another one for each chunk; a bomb, which unpacks to more than a chunk, is seen.
    """
    size, index_bytes = os.fstat(file.fileno()).st_size, 16 * chunks
    body = size - index_bytes - _CHECKSUM
    if body < 0:
        return "is empty" if not size else "is cut off"
    file.seek(body)
    index = np.frombuffer(file.read(index_bytes), dtype="<u8").reshape(chunks, 2).tolist()
    for offset, length in index:
        if offset == length == _EMPTY:
            continue
        if offset + length > body:
            return "is cut off"
        file.seek(offset)
        if _content_size(file.read(min(length, _LONGEST_HEADER))) != chunk_bytes:
            return "is damaged: a chunk does not have the size of a chunk"
    return None


def _content_size(header: bytes) -> int | None:
    """What a frame unpacks to, as its header says; None where that does not say it."""
    if len(header) < 6 or header[:4] != _MAGIC:
        return None
    flags, single, dictionary = header[4] >> 6, header[4] >> 5 & 1, header[4] & 3
    begins = 5 + (0 if single else 1) + (0, 1, 2, 4)[dictionary]
    length = (1 if single else 0, 2, 4, 8)[flags]
    field = header[begins : begins + length]
    if not length or len(field) < length:
        return None
    return int.from_bytes(field, "little") + (256 if length == 2 else 0)
