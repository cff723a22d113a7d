"""Images from PNG files, folders of them and npz archives, in the network's shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.data.npz import read_npz
from fiberscope.data.png import read_png
from fiberscope.problem.errors import FiberscopeError


class NamedImages(NamedTuple):
    """Images with intensities in [0, 1], and a name for each: its file, for an npz archive with the row."""

    images: Float[Tensor, "image channel height width"]
    names: tuple[str, ...]


def load_images(source: str | Path | Sequence[str | Path], *, shape: tuple[int, int, int] = (1, 28, 28)) -> NamedImages:
    """Read the images of a PNG file, a folder (its *.png by name), an npz archive, or several of these.

    `shape` is (channels, height, width); nothing is resized. Where the channels ask for it, colour becomes
    grey by the luma of ITU-R BT.601 and grey becomes colour by repetition.

    Raises FiberscopeError, which names the file, when one is missing, damaged, or of another size or kind.
    """
    if len(shape) != 3 or min(shape) < 1:
        raise FiberscopeError(f"shape is {shape}; it must be (channels, height, width), each at least 1")
    sources = [source] if isinstance(source, str | Path) else source
    loaded = [_read(file, shape) for each in sources for file in _files(Path(each))]
    if not loaded:
        raise FiberscopeError("source is an empty list; give at least one PNG file, folder or npz archive")
    return NamedImages(
        images=torch.cat([part.images for part in loaded]),
        names=tuple(name for part in loaded for name in part.names),
    )


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise FiberscopeError(f"{source} does not exist; give a PNG file, a folder of PNG files or an npz archive")
    if source.is_file():
        return [source]
    files = sorted(file for file in source.iterdir() if file.suffix.lower() == ".png")
    if not files:
        raise FiberscopeError(f"folder {source} holds no *.png; put PNG files into it or name another folder")
    return files


def _read(file: Path, shape: tuple[int, int, int]) -> NamedImages:
    match file.suffix.lower():
        case ".png":
            return NamedImages(read_png(file, shape=shape)[None], (file.name,))
        case ".npz":
            images = read_npz(file, shape=shape)
            return NamedImages(images, tuple(f"{file.name}[{row}]" for row in range(len(images))))
        case suffix:
            raise FiberscopeError(
                f"{file} has the suffix {suffix!r}, wanted .png or .npz: save it as PNG, which loses nothing"
            )
