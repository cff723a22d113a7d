"""Arrays in an npz archive, their sizes known before they are unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fiberscope.data.limit import refuse_large
from fiberscope.data.npy import read_header, read_numbers
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

_MOST_MEMBERS = 10_000
_ENTRY = b"PK\x01\x02"  # begins what the directory of an archive says of a member


def array_names(path: Path) -> list[str]:
    """List the arrays of an archive; raises FiberscopeError for a file that is none."""
    with _opened(path) as archive:
        return [_array_name(member) for member in archive.namelist()]


def read_array(path: Path, name: str, *, max_bytes: int | None = None) -> NDArray[Any]:
    """Read an array of real numbers from an archive, in the byte order of this machine; no code of it runs.

    Raises FiberscopeError for what is damaged, declares other sizes than it has, or takes more memory than
    `max_bytes` beside the size of the file.
    """
    with _opened(path) as archive:
        member = next(each for each in archive.infolist() if _array_name(each.filename) == name)
        refuse_large(path, member.file_size, max_bytes)
        with archive.open(member) as file:
            header = read_header(file, member.file_size)
            # as it is, and as numbers of 32 bits
            most = header.size + (0 if header.dtype == "<f4" else 4 * header.size // header.dtype.itemsize)
            refuse_large(path, most, max_bytes)
            numbers = read_numbers(file, header)
            if file.read(1):
                raise ValueError("more follows its numbers")
            return numbers


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        _refuse_crowd(path)
        with zipfile.ZipFile(path) as archive:
            names = [_array_name(member) for member in archive.namelist()]
            if len(set(names)) < len(names):
                raise ValueError("it holds two arrays of one name")
            yield archive
    except FiberscopeError:
        raise
    except Exception as error:  # a damaged archive can raise anything in its readers
        raise FiberscopeError(
            f"{plain_name(path)} is not a readable npz archive of numbers ({error}); write it with "
            "numpy.savez(path, images=array), the array uint8 or floating"
        ) from error


def _array_name(member: str) -> str:
    return member.removesuffix(".npy")


def _refuse_crowd(path: Path) -> None:
    """Raise ValueError for more members than any archive of images has: their names alone can fill the memory."""
    found, end = 0, b""
    with path.open("rb") as file:
        while part := file.read(2**24):
            found += (end + part).count(_ENTRY)
            end = part[-3:]
    if found > _MOST_MEMBERS:
        raise ValueError(f"it holds more than {_MOST_MEMBERS} members")
