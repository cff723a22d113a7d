"""Images from files that hold a picture, folders of them and npz archives, in the network's shape."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.data.npz import read_npz
from fiberscope.data.png import read_png
from fiberscope.problem.errors import FiberscopeError

_PICTURES = frozenset({".png"})
_JUNK = frozenset({"__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r", "@eaDir"})
# Words about pictures, which nobody takes for pictures: they stay beside them without a warning.
_WORDS = frozenset({".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".xml", ".html", ".pdf"})


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


def image_files(folder: Path) -> list[Path]:
    """List the pictures of a folder, sorted, without the files that systems leave there (`._x`, `__MACOSX`, ...).

    Warns of what lies beside them and is not read, and names it. Raises FiberscopeError where there is no picture.
    """
    try:
        there = sorted(path for path in folder.iterdir() if not (path.name.startswith(".") or path.name in _JUNK))
    except OSError as error:
        raise FiberscopeError(f"folder {folder} cannot be read ({error}); check that it is yours to read") from error
    files = [path for path in there if path.suffix.lower() in _PICTURES and path.is_file()]
    known = {path.name for path in files}
    left = [path.name for path in there if path.name not in known and path.suffix.lower() not in _WORDS]
    if not files:
        raise FiberscopeError(f"folder {folder} holds no *.png; put PNG files into it or name another folder")
    if left:
        some = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
        warnings.warn(f"folder {folder}: {some} cannot be read as pictures and are left out", stacklevel=2)
    return files


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise FiberscopeError(f"{source} does not exist; give a PNG file, a folder of PNG files or an npz archive")
    return [source] if source.is_file() else image_files(source)


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
