"""Images that a survey finds, at their own places in compressed arrays. No other file knows of zarr.

A shard is what one task writes: no two tasks ever touch the same file. Nothing that a file declares of itself is
believed: zarr opens an array only where its metadata are those that are written here, and a shard only where none of
its chunks says that it is larger than a chunk can be.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fiberscope.problem import FiberscopeError, MissingPackageError
from fiberscope.survey.frames import misfit_of_shard
from fiberscope.survey.plan import Plan
from fiberscope.whole_file import write_whole

try:
    import zarr
except ImportError as missing:
    raise MissingPackageError(
        f"surveys need packages that are not installed ({missing}): pip install 'fiberscope[survey]'"
    ) from missing

ARRAYS = "arrays.zarr"
_METADATA = "zarr.json"
_TOGETHER = 16  # images that are compressed, and read, together
_LARGEST_METADATA = 1 << 16  # bytes
_BLOCK = 1 << 26  # bytes of images that are read at a time, where a chunk has no more
_GROUP = {"attributes": {}, "zarr_format": 3, "node_type": "group"}


class Layout(NamedTuple):
    """The arrays of a survey, all alike: images, the shape of each and its numbers, and how many a task writes."""

    images: int
    shape: tuple[int, ...]
    dtype: str
    batch_size: int

    @property
    def together(self) -> int:
        """Images of a chunk."""
        return math.gcd(self.batch_size, _TOGETHER)

    @property
    def image_bytes(self) -> int:
        """Bytes of an image that is unpacked."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk that is unpacked."""
        return self.together * self.image_bytes


def layout_of(plan: Plan) -> Layout:
    """Lay out the arrays of a survey as its plan says."""
    return Layout(plan.images, tuple(plan.input_shape), plan.dtype, plan.batch_size)


class DamagedError(FiberscopeError):
    """Raised where an array on disk is not the one that was written; the words name the file and what is wrong."""


@dataclass(frozen=True, eq=False)
class Shards:
    """An open array whose metadata are those of the layout."""

    folder: Path
    name: str
    layout: Layout
    array: Any

    def label(self, start: int) -> str:
        """Name the file of the task from ``start`` on."""
        return _label(self.folder, _shard(self.folder, self.name, self.layout, start))

    def look(self, start: int) -> None:
        """Look at the shard of the task from ``start`` on, without its images; raises DamagedError."""
        path, label = _shard(self.folder, self.name, self.layout, start), self.label(start)
        with _unreadable(label):
            _refuse_other_kind(self.folder, path)
            chunks = self.layout.batch_size // self.layout.together
            with path.open("rb") as file:
                wrong = misfit_of_shard(file, chunks=chunks, chunk_bytes=self.layout.chunk_bytes)
        if wrong is not None:
            raise DamagedError(f"{label} {wrong}")

    def blocks(self, start: int) -> Iterator[NDArray[Any]]:
        """The images of the task from ``start`` on, some at a time; raises DamagedError where they cannot be read."""
        self.look(start)
        layout = self.layout
        stop = min(start + layout.batch_size, layout.images)
        some = layout.together * max(1, _BLOCK // layout.chunk_bytes)
        for first in range(start, stop, some):
            with _unreadable(self.label(start)):
                block = np.asarray(self.array[first : min(first + some, stop)])
            yield block

    def is_left_out(self, start: int, stored: str | None) -> bool:
        """Tell whether nothing is at the shard's place, and rightly: shards without a known number are not written.

        Without a stored checksum nobody knows better.
        """
        if os.path.lexists(_shard(self.folder, self.name, self.layout, start)):
            return False
        return stored is None or stored == checksum(self._nothing(start))

    def _nothing(self, start: int) -> Iterator[NDArray[Any]]:
        for _ in range(start, min(start + self.layout.batch_size, self.layout.images)):
            yield np.full(self.layout.shape, np.nan, dtype=self.layout.dtype)


def open_shards(folder: Path, name: str, layout: Layout) -> Shards:
    """Open an array to read it; raises DamagedError where it is missing or another one than the layout says."""
    path = folder / ARRAYS / name / _METADATA
    label = _label(folder, path)
    with _unreadable(label):
        _refuse_other_kind(folder, path)
        with path.open("rb") as file:
            found = file.read(_LARGEST_METADATA)
        if json.loads(found) != _metadata_of(layout):
            raise DamagedError(f"{label} is not what the plan says: it was damaged, or is of another survey")
        return Shards(folder, name, layout, zarr.open_array(str(path.parent), mode="r"))


def make_arrays(folder: Path, names: Sequence[str], layout: Layout) -> None:
    """Make an array for each name, or mend its metadata; the images that are there stay."""
    arrays = folder / ARRAYS
    for name in names:
        try:
            open_shards(folder, name, layout)
        except DamagedError:
            with _told(folder):
                _clear_way(folder, arrays / name / _METADATA)
                for path, content in ((arrays, _GROUP), (arrays / name, _metadata_of(layout))):
                    write_whole(json.dumps(content, indent=2).encode(), path / _METADATA)


def write_arrays(folder: Path, layout: Layout, images: Mapping[str, NDArray[Any]], *, start: int) -> dict[str, str]:
    """Put the images of a task at their places, whatever was there, and return the checksum of each column."""
    for name, values in images.items():
        path = _shard(folder, name, layout, start)
        with _told(folder):
            _clear_way(folder, path)
            with _replacing(path):
                array = zarr.open_array(str(folder / ARRAYS / name), mode="r+")
                array[start : start + len(values)] = values
    return {name: checksum([values]) for name, values in images.items()}


def checksum(blocks: Iterable[NDArray[Any]]) -> str:
    """SHA-256 of the numbers of all blocks; all that are not known count as one and the same."""
    found = hashlib.sha256()
    for block in blocks:
        values = np.ascontiguousarray(block, dtype=block.dtype.newbyteorder("<"))
        unknown = np.isnan(values)
        if unknown.any():
            values = np.where(unknown, np.array(np.nan, dtype=values.dtype), values)
        found.update(values.data)
    return found.hexdigest()


def _metadata_of(layout: Layout) -> dict[str, object]:
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    sharding = {
        "chunk_shape": [layout.together, *layout.shape],
        "codecs": [little, {"name": "zstd", "configuration": {"level": 0, "checksum": False}}],
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    }
    return {
        "shape": [layout.images, *layout.shape],
        "data_type": layout.dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [layout.batch_size, *layout.shape]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "NaN",
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "attributes": {},
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }


def _shard(folder: Path, name: str, layout: Layout, start: int) -> Path:
    place = (start // layout.batch_size, *(0 for _ in layout.shape))
    return folder.joinpath(ARRAYS, name, "c", *map(str, place))


def _label(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _refuse_other_kind(folder: Path, path: Path) -> None:
    """Raise DamagedError unless the path is a plain file, and no part of it below the folder a link."""
    label = _label(folder, path)
    try:
        kind = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedError(f"{label} is missing") from None
    if not stat.S_ISREG(kind):
        raise DamagedError(f"{label} is no file")
    if os.path.realpath(path) != os.path.join(os.path.realpath(folder), *path.relative_to(folder).parts):
        raise DamagedError(f"{label} lies behind a link, and surveys follow none")


def _clear_way(folder: Path, path: Path) -> None:
    """Set aside whatever is neither a folder on the way to the path nor a plain file there; nothing is deleted."""
    for part in [*reversed(path.relative_to(folder).parents), path.relative_to(folder)][1:]:
        there, is_last = folder / part, folder / part == path
        if os.path.lexists(there) and (there.is_symlink() or not (there.is_file() if is_last else there.is_dir())):
            number = 1
            while os.path.lexists(aside := there.with_name(f"{there.name}.aside{number}")):
                number += 1
            there.rename(aside)


@contextmanager
def _replacing(path: Path) -> Iterator[None]:
    """Takes a file away while the block writes another one, and puts it back where that fails.

    Zarr would read the index of the old shard, and stop where it is damaged.
    """
    before = path.with_name(f"{path.name}.before")
    with suppress(FileNotFoundError):
        path.replace(before)
    try:
        yield
    except BaseException:
        with suppress(FileNotFoundError):
            before.replace(path)
        raise
    before.unlink(missing_ok=True)


@contextmanager
def _unreadable(label: str) -> Iterator[None]:
    """Raises a DamagedError for whatever a damaged file does to those who read it."""
    try:
        yield
    except DamagedError:
        raise
    except Exception as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise DamagedError(f"{label} cannot be read ({why or type(error).__name__})") from error


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Tells in a sentence what the disk refuses."""
    try:
        yield
    except OSError as error:
        raise FiberscopeError(
            f"{folder / ARRAYS} cannot be written or read ({error.strerror or error}). What is stored is kept. Free "
            "space or mend the disk, then resume."
        ) from error
