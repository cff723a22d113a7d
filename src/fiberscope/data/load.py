"""Images from files that hold a picture, folders of them, npz archives and IDX files, in the network's shape."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.data.idx import is_idx
from fiberscope.data.labelled_idx import read_idx_images
from fiberscope.data.listing import image_files, is_archive, some_names
from fiberscope.data.npz import read_npz
from fiberscope.data.picture import READABLE, is_picture, read_picture
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError


class NamedImages(NamedTuple):
    """Images with intensities in [0, 1], and a name for each: its file, for an npz archive or IDX with the row."""

    images: Float[Tensor, "image channel height width"]
    names: tuple[str, ...]


class _Loaded(NamedTuple):
    images: Float[Tensor, "image channel height width"]
    names: tuple[str, ...]
    turned: tuple[Path, ...]


def load_images(
    source: str | Path | Sequence[str | Path],
    *,
    shape: tuple[int, int, int] = (1, 28, 28),
    max_bytes: int | None = None,
) -> NamedImages:
    """Read the images of a picture (PNG, JPEG, ...), a folder of them, an npz archive, an IDX file, or several.

    `shape` is (channels, height, width); nothing is resized. Where the channels ask for it, colour becomes
    grey by the luma of ITU-R BT.601 and grey becomes colour by repetition. A picture that its EXIF calls turned is set
    upright, with a warning that names it; so is what a folder holds and cannot be read. `max_bytes` is the memory that
    a file may take beside its own size, by default that of the environment variable FIBERSCOPE_MAX_BYTES, else 1 GiB.

    Raises FiberscopeError, which names the file, when one is missing, damaged, or of another size or kind.
    """
    if len(shape) != 3 or min(shape) < 1:
        raise FiberscopeError(f"shape is {shape}; it must be (channels, height, width), each at least 1")
    sources = [source] if isinstance(source, str | Path) else source
    loaded = [_read(file, shape, max_bytes) for each in sources for file in _files(Path(each))]
    if not loaded:
        raise FiberscopeError("source is an empty list; give at least one picture, folder, npz archive or IDX file")
    turned = [path for part in loaded for path in part.turned]
    if turned:
        warnings.warn(f"set upright, as the orientation in their EXIF says: {some_names(turned)}", stacklevel=2)
    return NamedImages(
        images=torch.cat([part.images for part in loaded]),
        names=tuple(name for part in loaded for name in part.names),
    )


def _files(source: Path) -> list[Path]:
    if source.is_dir():
        return image_files(source)
    if not source.exists():
        raise FiberscopeError(
            f"{plain_name(source)} does not exist; give a picture, a folder of pictures, an npz archive or an IDX file"
        )
    if not source.is_file():
        raise FiberscopeError(
            f"{plain_name(source)} is neither a file nor a folder; give a picture, a folder or an npz archive"
        )
    return [source]


def _read(file: Path, shape: tuple[int, int, int], max_bytes: int | None) -> _Loaded:
    name = plain_name(file.name)
    try:
        archive, numbers = is_archive(file), is_idx(file)
    except OSError as error:
        raise FiberscopeError(f"{plain_name(file)} cannot be read ({error}); check that it is yours to read") from error
    if archive or (numbers and not is_picture(file)):
        reader = read_npz if archive else read_idx_images
        images = reader(file, shape=shape, max_bytes=max_bytes)
        return _Loaded(images, tuple(f"{name}[{row}]" for row in range(len(images))), ())
    if is_picture(file):
        picture = read_picture(file, shape=shape, max_bytes=max_bytes)
        return _Loaded(picture.image[None], (name,), (file,) if picture.turned else ())
    array = file.suffix.lower() == ".npy"
    raise FiberscopeError(
        f"{plain_name(file)} is no picture of {READABLE}, no npz archive and no IDX file: "
        + ("write it with numpy.savez(path, images=array)" if array else "save it as PNG, which loses nothing")
    )
