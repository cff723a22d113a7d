"""The four files of MNIST: their names, their checksums and the places where they may lie."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

from fiberscope.problem.errors import FiberscopeError

SHIPPED = Path(__file__).parent / "shipped" / "mnist"
FETCH_COMMAND = "fiberscope data fetch mnist"

_SUBFOLDERS = (".", "mnist", "MNIST/raw")  # the last is the layout of torchvision


class MnistFile(NamedTuple):
    """An IDX file: its name when unpacked, and the checksum of the unpacked bytes.

    The gzipped files differ between distributions, the bytes inside do not.
    """

    name: str
    md5: str


FILES: Mapping[str, tuple[MnistFile, MnistFile]] = {
    "train": (
        MnistFile("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"),
        MnistFile("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"),
    ),
    "test": (
        MnistFile("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"),
        MnistFile("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"),
    ),
}


def user_cache() -> Path:
    """Name the folder that a fetch fills."""
    return user_cache_path("fiberscope") / "mnist"


def read_split(split: str, roots: Sequence[Path]) -> tuple[bytes, bytes]:
    """Read the unpacked bytes of the images and of the labels, refused unless they are the original ones."""
    images, labels = FILES[split]
    return _read(images, roots), _read(labels, roots)


def find(file: MnistFile, folder: Path) -> Path | None:
    """Find the file in the folder, packed before unpacked: a fetch writes, and so repairs, the packed one."""
    places = (folder / f"{file.name}.gz", folder / file.name)
    return next((place for place in places if place.is_file()), None)


def _read(file: MnistFile, roots: Sequence[Path]) -> bytes:
    folders = [root / subfolder for root in roots for subfolder in _SUBFOLDERS]
    path = next((path for folder in folders if (path := find(file, folder))), None)
    if path is None:
        raise _missing(file, folders)
    try:
        content = unpack(path.read_bytes())
    except OSError as error:
        raise FiberscopeError(f"{path} cannot be read ({error}); check that it is yours to read") from error
    if not is_original(content, file):
        remedy = "reinstall fiberscope" if path.parent == SHIPPED else f"delete it and run `{FETCH_COMMAND}`"
        raise FiberscopeError(
            f"{path} is truncated or altered: the MD5 of its unpacked bytes is not {file.md5}; {remedy}"
        )
    return content


def _missing(file: MnistFile, folders: Sequence[Path]) -> FiberscopeError:
    looked_at = "\n".join(f"  {folder}" for folder in folders)
    pair = next(pair for pair in FILES.values() if file in pair)
    wanted = " and ".join(f"{each.name}.gz" for each in pair)
    return FiberscopeError(
        f"MNIST file {file.name} (or {file.name}.gz) is in none of these folders:\n{looked_at}\n"
        f"Run `{FETCH_COMMAND}`, or put {wanted} into a folder and name that folder by the argument root or "
        "by the environment variable FIBERSCOPE_DATA."
    )


def unpack(content: bytes) -> bytes:
    """Return the bytes inside a gzip file; bytes that are no whole gzip file come back as they are."""
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return content


def is_original(content: bytes, file: MnistFile) -> bool:
    """Whether the unpacked bytes are those of the original distribution."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == file.md5
