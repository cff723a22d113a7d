"""Images that a survey finds, at their own places in compressed arrays. No other file knows of zarr."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiberscope.problem import FiberscopeError, MissingPackageError

try:
    import zarr
except ImportError as missing:
    raise MissingPackageError(
        f"surveys need packages that are not installed ({missing}): pip install 'fiberscope[survey]'"
    ) from missing

ARRAYS = "arrays.zarr"
_TOGETHER = 16  # images that are compressed, and read, together


def make_arrays(
    folder: Path, names: Sequence[str], *, count: int, shape: Sequence[int], dtype: str, batch_size: int
) -> None:
    """An array for each name, of so many images that are not known yet; an array that is there stays.

    A shard is what one task writes: no two tasks ever touch the same file.
    """
    together = math.gcd(batch_size, _TOGETHER)
    for name in names:
        if not _is_there(folder, name):
            with _told(folder):
                zarr.create_array(
                    str(folder / ARRAYS),
                    name=name,
                    shape=(count, *shape),
                    shards=(batch_size, *shape),
                    chunks=(together, *shape),
                    dtype=dtype,
                    fill_value=math.nan,
                    overwrite=True,
                )


def write_arrays(folder: Path, images: Mapping[str, NDArray[Any]], *, start: int) -> None:
    """Put images at their places from ``start`` on; doing so again changes nothing."""
    for name, values in images.items():
        with _told(folder):
            array = zarr.open_array(str(folder / ARRAYS), path=name, mode="r+")
            array[start : start + len(values)] = values


def read_images(folder: Path, name: str, places: Sequence[int]) -> NDArray[Any]:
    """The images of a column at these places, NaN where there is none; raises FiberscopeError for an unknown name."""
    if not _is_there(folder, name):
        raise FiberscopeError(f"name: the survey in {folder} has no images {name!r}. Its table columns lists them.")
    with _told(folder):
        array = zarr.open_array(str(folder / ARRAYS), path=name, mode="r")
        return np.asarray(array.oindex[np.asarray(places, dtype=np.int64)])


def _is_there(folder: Path, name: str) -> bool:
    return (folder / ARRAYS / name / "zarr.json").is_file()


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What the disk refuses, as a sentence."""
    try:
        yield
    except OSError as error:
        raise FiberscopeError(
            f"{folder / ARRAYS} cannot be written or read ({error.strerror or error}). What is stored is kept. Free "
            "space or mend the disk, then resume."
        ) from error
