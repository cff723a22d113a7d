"""Labelled images of a user's own: an npz archive, or a folder with a folder of PNG files for each class."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from fiberscope.data.labelled import LabelledImages
from fiberscope.data.load import load_images
from fiberscope.data.npz import read_npz
from fiberscope.problem.errors import FiberscopeError


def load_labelled(path: str | Path, *, shape: tuple[int, int, int] = (1, 28, 28)) -> LabelledImages:
    """Read images and the class of each; the set is called by the name of the file or folder.

    An npz archive holds the arrays `images` and `labels`, whole numbers from 0. In a folder, each folder of PNG files
    is a class: its name where all names are whole numbers, else its place in alphabetical order.

    Raises FiberscopeError, which names the file, when one is missing, damaged or does not fit, or there are not two
    classes.
    """
    source = Path(path)
    if source.is_dir():
        found = _read_folders(source, shape)
    elif source.suffix.lower() == ".npz" and source.is_file():
        images = read_npz(source, shape=shape)
        found = LabelledImages(images, _read_labels(source, len(images)), source.stem)
    else:
        raise FiberscopeError(
            f"labelled: {source} is neither an npz archive nor a folder that exists; give one with the arrays images "
            "and labels, or a folder with a folder of PNG files for each class"
        )
    if len(set(found.labels.tolist())) < 2:
        raise FiberscopeError(f"labelled: {source} holds images of one class; give at least two classes")
    return found


def _read_folders(source: Path, shape: tuple[int, int, int]) -> LabelledImages:
    folders = sorted(folder for folder in source.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if not folders:
        raise FiberscopeError(
            f"labelled: folder {source} holds no folders; put the PNG files of each class into a folder of its own"
        )
    numbered = all(folder.name.isascii() and folder.name.isdecimal() for folder in folders)
    classes = [int(folder.name) if numbered else place for place, folder in enumerate(folders)]
    parts = [load_images(folder, shape=shape).images for folder in folders]
    labels = [label for label, part in zip(classes, parts, strict=True) for _ in range(len(part))]
    return LabelledImages(torch.cat(parts), torch.tensor(labels), source.name)


def _read_labels(path: Path, count: int) -> Int64[Tensor, " image"]:
    try:
        # never pickle: loading labels must not run code
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            labels = archive["labels"] if "labels" in archive.files else None
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise FiberscopeError(f"labelled: the labels of {path} cannot be read ({error}); write it again") from error
    if labels is None:
        raise FiberscopeError(
            f"labelled: {path} has no array labels; write it with numpy.savez(path, images=, labels=)"
        )
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer) or labels.min(initial=0) < 0:
        raise FiberscopeError(
            f"labelled: {path} holds labels of shape {labels.shape} and type {labels.dtype}, wanted a whole number "
            f"from 0 for each of {count} images"
        )
    return torch.from_numpy(labels.astype(np.int64))
