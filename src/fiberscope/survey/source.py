"""The images of a survey, read a few at a time, and a hash of all of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch

from fiberscope.analysis.content_hash import hash_tensors
from fiberscope.analysis.selection import Selection, as_image, is_digit, select
from fiberscope.data import LabelledImages, load_images, load_labelled, mnist_bytes
from fiberscope.data.archive import array_names
from fiberscope.data.labelled_idx import labels_beside
from fiberscope.data.listing import image_files, is_archive, listed
from fiberscope.data.picture import is_picture
from fiberscope.plain_text import plain_name
from fiberscope.problem import FiberscopeError

_MNIST: dict[str, tuple[Literal["test", "train"], ...]] = {
    "mnist:test": ("test",),
    "mnist:train": ("train",),
    "mnist": ("test", "train"),
}


@dataclass(frozen=True, eq=False)
class Source:
    """Images by their places 0 to ``count``, in an order that never changes; ``read`` gives those of some places.

    ``labelled`` are the same images at once where that is no matter of memory and they have classes, else None.
    """

    count: int
    hasher: Callable[[], str]
    read: Callable[[range], Selection]
    name_of: Callable[[int], str]
    labelled: LabelledImages | None = None

    @cached_property
    def sha256(self) -> str:
        """Of all images, which are read for it when it is asked for."""
        return self.hasher()


def open_source(data: str, *, shape: tuple[int, ...]) -> Source:
    """The images that ``data`` names: mnist:test, mnist:train, mnist (both), test digits by index, a file or folder.

    A folder of pictures and MNIST are read a few at a time, so that memory does not grow with them. A folder with a
    folder for each class, an npz archive with the array labels, and an IDX file with its labels beside it have
    classes. Raises FiberscopeError that names the argument.
    """
    if data in _MNIST:
        if not is_digit(shape):
            raise FiberscopeError(
                f"data: {data} holds digits of shape (1, 28, 28), but the network takes {shape}. Name a folder or an "
                "npz archive."
            )
        return _digits(_MNIST[data])
    path = Path(data)
    if data.startswith("mnist:") and not path.exists():
        raise FiberscopeError(f"data: {data!r} is none. MNIST is {', '.join(_MNIST)} (both).")
    if path.is_dir() and any(map(is_picture, listed(path))):
        return _pictures(path, shape)
    if path.is_dir() or (path.is_file() and _has_labels(path)):
        return _labelled(load_labelled(path, shape=as_image(shape, "data")))
    return _selected(select([data], shape=shape, argument="data"))


def limited(source: Source, limit: int | None) -> Source:
    """The first so many images alone; the hash stays that of all."""
    if limit is None or limit >= source.count:
        return source
    if limit < 1:
        raise FiberscopeError(f"limit: {limit} images are asked for. Ask for at least one.")
    return Source(limit, lambda: source.sha256, source.read, source.name_of, source.labelled)


def _digits(splits: Sequence[Literal["test", "train"]]) -> Source:
    parts = [mnist_bytes(split) for split in splits]
    images = parts[0].images if len(parts) == 1 else torch.cat([part.images for part in parts])
    labels = torch.cat([part.labels for part in parts])
    ends = [(split, len(part.labels)) for split, part in zip(splits, parts, strict=True)]

    def name_of(place: int) -> str:
        for split, count in ends:
            if place < count:
                return f"{split} {place}"
            place -= count
        raise IndexError(place)

    def read(places: range) -> Selection:
        rows = slice(places.start, places.stop)
        names = tuple(name_of(place) for place in places)
        return Selection(images[rows].float() / 255, names, tuple(labels[rows].tolist()), (True,) * len(names))

    return Source(len(labels), lambda: hash_tensors([images, labels]), read, name_of)


def _pictures(folder: Path, shape: tuple[int, ...]) -> Source:
    files = image_files(folder)

    def hash_all() -> str:
        found = hashlib.sha256()
        for file in files:
            found.update(os.fsencode(file.name) + hashlib.sha256(file.read_bytes()).digest())
        return found.hexdigest()

    def read(places: range) -> Selection:
        some = [files[place] for place in places]
        loaded = load_images(some, shape=as_image(shape, "data"))
        return Selection(loaded.images, loaded.names, (None,) * len(some))

    return Source(len(files), hash_all, read, lambda place: plain_name(files[place].name))


def _labelled(data: LabelledImages) -> Source:
    names = tuple(f"{data.name} {place}" for place in range(len(data.labels)))
    whole = _selected(Selection(data.images, names, tuple(data.labels.tolist())))
    return Source(whole.count, lambda: hash_tensors([data.images, data.labels]), whole.read, whole.name_of, data)


def _selected(images: Selection) -> Source:
    return Source(
        len(images.names),
        lambda: hash_tensors([images.images]),
        lambda places: images.part(slice(places.start, places.stop)),
        lambda place: images.names[place],
    )


def _has_labels(path: Path) -> bool:
    try:
        return "labels" in array_names(path) if is_archive(path) else labels_beside(path) is not None
    except (FiberscopeError, OSError):  # who reads its images says what is wrong
        return False
