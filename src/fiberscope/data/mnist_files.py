"""The four files of MNIST: their names, their checksums and the places where they may lie."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

from fiberscope.data.idx import idx_header, read_idx
from fiberscope.data.limit import read_whole
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

SHIPPED = Path(__file__).parent / "shipped" / "mnist"
FETCH_COMMAND = "fiberscope data fetch mnist"

_LARGEST = 2**26  # bytes; the largest of the four has 47,040,016
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
    content = unpack(read_whole(path, None))
    if not is_original(content, file):
        raise FiberscopeError(f"{plain_name(path)} {_what_else(path, file)}; {_remedy(path, file)}")
    return content


def _what_else(path: Path, file: MnistFile) -> str:
    """Say what a file under a name of MNIST is instead; other sets have these names too."""
    header = idx_header(path)
    if header is None:
        return f"is truncated or altered: the MD5 of its unpacked bytes is not {file.md5}"
    try:
        read_idx(path)
    except FiberscopeError as error:
        return f"is truncated or altered ({error})"
    images, labels = next(pair for pair in FILES.values() if file in pair)
    named = path.with_name(path.name.replace(labels.name, images.name))
    return (
        f"is not MNIST's: it holds {header.shape} numbers, none missing, whose MD5 is not {file.md5}. Another set of "
        f"that format, such as Fashion-MNIST, is read by load_labelled({plain_name(named)!r}), on the command line by "
        f"--labelled {plain_name(named)} and --images {plain_name(named)}; if it should be MNIST, it was altered"
    )


def _remedy(path: Path, file: MnistFile) -> str:
    if path.parent == SHIPPED:
        return "reinstall fiberscope"
    if path.is_relative_to(user_cache()):
        return f"for MNIST run `{FETCH_COMMAND}`, which replaces it"
    return f"for MNIST run `{FETCH_COMMAND}` and copy {file.name}.gz from {user_cache()} to {plain_name(path.parent)}"


def _missing(file: MnistFile, folders: Sequence[Path]) -> FiberscopeError:
    looked_at = "\n".join(f"  {plain_name(folder)}" for folder in folders)
    pair = next(pair for pair in FILES.values() if file in pair)
    wanted = " and ".join(f"{each.name}.gz" for each in pair)
    return FiberscopeError(
        f"MNIST file {file.name} (or {file.name}.gz) is in none of these folders:\n{looked_at}\n"
        f"Run `{FETCH_COMMAND}`, or put {wanted} into a folder and name that folder by the argument root or "
        "by the environment variable FIBERSCOPE_DATA."
    )


def unpack(content: bytes) -> bytes:
    """Return the bytes inside a gzip file, no more than MNIST has; what is no whole one comes back as it is."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as file:
            return file.read(_LARGEST)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return content


def is_original(content: bytes, file: MnistFile) -> bool:
    """Whether the unpacked bytes are those of the original distribution."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == file.md5
