"""IDX: the format of MNIST and the sets that took it over (Fashion-, K-, Q- and EMNIST), gzipped or not."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fiberscope.data.limit import refuse_large
from fiberscope.data.npy import Readable, read_flat
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

_GZIP = b"\x1f\x8b"
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_AXES = 4


class IdxHeader(NamedTuple):
    """Type and shape of the numbers that follow."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of the whole unpacked file."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape) * self.dtype.itemsize


def idx_header(path: Path) -> IdxHeader | None:
    """Read the header of an IDX file of one to four axes; None for a file of another format."""
    try:
        with _unpacked(path) as file:
            return _header(file)
    except (OSError, EOFError, zlib.error):
        return None


def read_idx(path: Path, *, max_bytes: int | None = None) -> NDArray[Any]:
    """Read the numbers of an IDX file, in the byte order of this machine.

    Raises FiberscopeError for a file that is truncated, goes on behind its numbers, is of another format, or takes
    more memory than `max_bytes` beside its own size.
    """
    try:
        with _unpacked(path) as file:
            header = _header(file)
            if header is None:
                raise FiberscopeError(
                    f"{plain_name(path)} is no IDX file of one to four axes; give one such as MNIST's, or npz"
                )
            count = math.prod(header.shape)
            refuse_large(path, header.size + 4 * count, max_bytes)
            numbers = read_flat(file, header.dtype, count)
            more = file.read(1)
    except FiberscopeError:
        raise
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise FiberscopeError(f"{plain_name(path)} is truncated or damaged ({error}); get it again") from error
    if more:
        raise FiberscopeError(
            f"{plain_name(path)} goes on behind the numbers {header.shape} of its header; get it again"
        )
    return numbers.reshape(header.shape)


def is_idx(path: Path) -> bool:
    """Whether the file is an IDX file by its header, or named as one."""
    return idx_header(path) is not None or "-idx" in path.name.lower() or ".idx" in path.name.lower()


@contextmanager
def _unpacked(path: Path) -> Iterator[Readable]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    with gzip.open(path) if packed else path.open("rb") as file:
        yield file


def _header(file: Readable) -> IdxHeader | None:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not 1 <= magic[3] <= _MOST_AXES:
        return None
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        return None
    return IdxHeader(np.dtype(_TYPES[magic[2]]), struct.unpack(f">{magic[3]}I", sizes))
