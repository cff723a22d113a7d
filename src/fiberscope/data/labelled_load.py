"""Labelled images of a user's own: an npz archive, IDX files, or a folder with a folder of pictures for each class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from fiberscope.data.archive import array_names, read_array
from fiberscope.data.idx import is_idx
from fiberscope.data.labelled import LabelledImages
from fiberscope.data.labelled_idx import image_sets, read_idx_images, read_idx_labels
from fiberscope.data.labels import MOST_CLASSES, class_labels
from fiberscope.data.listing import is_archive, listed, some_names
from fiberscope.data.load import load_images
from fiberscope.data.npz import read_npz
from fiberscope.data.picture import is_picture
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError


def load_labelled(
    path: str | Path, *, shape: tuple[int, int, int] = (1, 28, 28), max_bytes: int | None = None
) -> LabelledImages:
    """Read images and the class of each; the set is called by the name of the file or folder.

    An npz archive holds the arrays `images` and `labels`, whole numbers from 0. Of IDX files, such as those of
    Fashion-MNIST, name that of the images, or the folder of one set; the labels lie beside them. In a folder, each
    folder of pictures is a class: its name where all names are different whole numbers below a million, else its place
    in alphabetical order. `max_bytes` is the memory that a file may take beside its own size, by default that of the
    environment variable FIBERSCOPE_MAX_BYTES, else 1 GiB.

    Raises FiberscopeError, which names the file, when one is missing, damaged or does not fit, or there are not two
    classes.
    """
    source = Path(path)
    if source.is_dir():
        found = _read_folder(source, shape, max_bytes)
    elif source.is_file() and is_archive(source):
        found = _read_archive(source, shape, max_bytes)
    elif source.is_file() and is_idx(source):
        found = _read_idx(source, plain_name(source.name.removesuffix(".gz")), shape, max_bytes)
    else:
        raise FiberscopeError(
            f"labelled: {plain_name(source)} is neither an npz archive nor a folder that exists, nor an IDX "
            "file of images; give "
            "an archive with the arrays images and labels, or a folder with a folder of pictures for each class"
        )
    if len(set(found.labels.tolist())) < 2:
        raise FiberscopeError(f"labelled: {plain_name(source)} holds images of one class; give at least two classes")
    return found


def _read_archive(source: Path, shape: tuple[int, int, int], max_bytes: int | None) -> LabelledImages:
    images = read_npz(source, shape=shape, max_bytes=max_bytes)
    if "labels" not in array_names(source):
        raise FiberscopeError(
            f"labelled: {plain_name(source)} has no array labels; write it with numpy.savez(path, images=, labels=)"
        )
    try:
        labels = read_array(source, "labels", max_bytes=max_bytes)
    except FiberscopeError as error:
        raise FiberscopeError(f"labelled: the labels of {plain_name(source)} cannot be read: {error}") from error
    return LabelledImages(images, class_labels(source, labels, len(images)), plain_name(source.stem))


def _read_idx(source: Path, name: str, shape: tuple[int, int, int], max_bytes: int | None) -> LabelledImages:
    images = read_idx_images(source, shape=shape, max_bytes=max_bytes)
    return LabelledImages(images, read_idx_labels(source, len(images), max_bytes=max_bytes), name)


def _read_folder(source: Path, shape: tuple[int, int, int], max_bytes: int | None) -> LabelledImages:
    there = listed(source)
    folders = [path for path in there if path.is_dir()]
    if not folders:
        sets = image_sets(source)
        if len(sets) == 1:
            return _read_idx(sets[0], plain_name(source.name), shape, max_bytes)
        if sets:
            names = ", ".join(plain_name(path.name) for path in sets)
            raise FiberscopeError(
                f"labelled: folder {plain_name(source)} holds several sets; name the images of one: {names}"
            )
        raise FiberscopeError(
            f"labelled: folder {plain_name(source)} holds no folders; put the pictures of each class into a "
            "folder of its own"
        )
    beside = [path for path in there if is_picture(path)]
    if beside:
        warnings.warn(
            f"folder {plain_name(source)}: {some_names(beside)} are in no class and are left out", stacklevel=3
        )
    parts = [load_images(folder, shape=shape, max_bytes=max_bytes).images for folder in folders]
    labels = [label for label, part in zip(_classes(folders), parts, strict=True) for _ in range(len(part))]
    return LabelledImages(torch.cat(parts), torch.tensor(labels), plain_name(source.name))


def _classes(folders: Sequence[Path]) -> list[int]:
    names = [folder.name for folder in folders]
    longest = len(str(MOST_CLASSES - 1))
    if all(name.isascii() and name.isdecimal() and len(name) <= longest for name in names):
        numbers = [int(name) for name in names]
        if len(set(numbers)) == len(numbers):
            return numbers
    return list(range(len(folders)))
