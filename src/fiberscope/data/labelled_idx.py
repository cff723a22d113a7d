"""Images in an IDX file, and the file that has their classes beside it."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.data.idx import IdxHeader, idx_header, read_idx
from fiberscope.data.intensities import intensities
from fiberscope.data.labels import class_labels
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

_QMNIST_COLUMNS = 8  # the class is the first, then writer and form


def read_idx_images(
    path: Path, *, shape: tuple[int, int, int], max_bytes: int | None = None
) -> Float[Tensor, "image channel height width"]:
    """Read the images of an IDX file; raises FiberscopeError where it does not fit or is not whole."""
    if _holds_classes(idx_header(path)):
        raise FiberscopeError(
            f"{plain_name(path)} holds one number an image, which are labels; give the file of the images"
        )
    return torch.from_numpy(intensities(path, read_idx(path, max_bytes=max_bytes), shape))


def read_idx_labels(images: Path, count: int, *, max_bytes: int | None = None) -> Int64[Tensor, " image"]:
    """Read the classes of the images from the file beside theirs; raises FiberscopeError where there is none."""
    path = labels_beside(images)
    if path is None:
        raise FiberscopeError(
            f"labelled: {plain_name(images)} holds images without classes, and no IDX file of labels lies "
            "beside it, such as "
            f"{images.name.replace('images', 'labels').replace('idx3', 'idx1')}; put it there"
        )
    labels = read_idx(path, max_bytes=max_bytes)
    return class_labels(path, labels if labels.ndim == 1 else labels[:, 0], count)


def labels_beside(images: Path) -> Path | None:
    """Find the IDX file with the classes of the images: the one called so, else the only one for as many images."""
    header = idx_header(images)
    if header is None or _holds_classes(header):
        return None
    there = {path: idx_header(path) for path in sorted(images.parent.iterdir()) if path.is_file() and path != images}
    found = {path: each for path, each in there.items() if each is not None and _holds_classes(each)}
    named = [path for path in found if _set_name(path, "label") == _set_name(images, "image")]
    fitting = named or [path for path, each in found.items() if each.shape[0] == header.shape[0]]
    return fitting[0] if named or len(fitting) == 1 else None


def image_sets(folder: Path) -> list[Path]:
    """List the IDX files of a folder that hold images, those once that are there packed and unpacked."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    headers = ((path, idx_header(path)) for path in files)
    found = [path for path, header in headers if header is not None and not _holds_classes(header)]
    names = {path.name for path in found}
    return [path for path in found if path.name.removesuffix(".gz") == path.name or path.stem not in names]


def _holds_classes(header: IdxHeader | None) -> bool:
    if header is None:
        return False
    return len(header.shape) == 1 or (len(header.shape) == 2 and header.shape[1] == _QMNIST_COLUMNS)


def _set_name(path: Path, kind: str) -> str | None:
    before, found, _ = path.name.lower().partition(kind)
    return before if found else None
