"""Which images a run is about: test digits by index, or images from files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.data import LabelledImages, faces, load_images, mnist
from fiberscope.problem import FiberscopeError

_FACES = "faces:"
_DIGITS = "the test set has 10000 digits"
_INDICES = re.compile(r"-?\d{0,9}(:-?\d{0,9}){0,2}(,-?\d{0,9}(:-?\d{0,9}){0,2})*", re.ASCII)


class Selection(NamedTuple):
    """Images in [0, 1], a name for each, the class of each where it is known, and which of them are MNIST's digits."""

    images: Float[Tensor, "image channel height width"]
    names: tuple[str, ...]
    labels: tuple[int | None, ...]
    digits: tuple[bool, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The class of each in words, empty where it is not known; only MNIST's are called digits."""
        rows = zip(self.labels, self.digits or (False,) * len(self.names), strict=True)
        return tuple("" if label is None else f"{'digit' if digit else 'class'} {label}" for label, digit in rows)

    @property
    def titles(self) -> tuple[str, ...]:
        """The class and, on a second line, the name of each; the name alone where no class is known."""
        return tuple(f"{which}\n{name}".lstrip("\n") for which, name in zip(self.classes, self.names, strict=True))

    @property
    def words(self) -> tuple[str, ...]:
        """The same on one line."""
        return tuple(title.replace("\n", ", ") for title in self.titles)

    def part(self, rows: slice) -> Selection:
        """The images of these neighbouring rows."""
        return Selection(self.images[rows], self.names[rows], self.labels[rows], self.digits[rows])

    def take(self, rows: Sequence[int]) -> Selection:
        """The images of these rows, in this order, repeated where a row is."""
        chosen = list(rows)
        return Selection(
            self.images[chosen],
            tuple(self.names[i] for i in chosen),
            tuple(self.labels[i] for i in chosen),
            tuple(self.digits[i] for i in chosen) if self.digits else (),
        )


def select(sources: Sequence[str], *, shape: tuple[int, ...], argument: str = "images") -> Selection:
    """The images that the sources name, in order: indices such as "0:16" or "3,7,20:24", files, folders, archives.

    Indices and slices are Python's, into the MNIST test set. Raises FiberscopeError that names the argument.
    """
    parts = [_select_one(source.strip(), shape, argument) for source in sources]
    if not parts:
        raise FiberscopeError(f"{argument}: nothing is named. Give indices such as 0:8, or files.")
    return Selection(
        torch.cat([part.images for part in parts]),
        tuple(name for part in parts for name in part.names),
        tuple(label for part in parts for label in part.labels),
        tuple(digit for part in parts for digit in part.digits or (False,) * len(part.names)),
    )


def draw_others(
    selection: Selection, *, shape: tuple[int, ...], count: int, seed: int, argument: str = "targets"
) -> Selection:
    """Random test digits of another class than each image's, ``count`` for each image, one image after the other."""
    digits = _digits(shape, argument)
    generator = torch.Generator().manual_seed(seed)
    rows: list[int] = []
    for label in selection.labels:
        others = torch.arange(len(digits.labels)) if label is None else (digits.labels != label).nonzero()[:, 0]
        rows += others[torch.randint(len(others), (count,), generator=generator)].tolist()
    return _take_digits(digits, torch.tensor(rows))


def is_digit(shape: tuple[int, ...]) -> bool:
    """Whether images of that shape are those of MNIST."""
    return shape == (1, 28, 28)


def as_image(shape: tuple[int, ...], argument: str) -> tuple[int, int, int]:
    """The shape, if files can hold images of it; raises FiberscopeError that names the argument."""
    if len(shape) != 3:
        raise FiberscopeError(f"{argument}: files hold images (channels, height, width), the network takes {shape}.")
    return (shape[0], shape[1], shape[2])


def _select_one(source: str, shape: tuple[int, ...], argument: str) -> Selection:
    if source and _INDICES.fullmatch(source):
        digits = _digits(shape, argument)
        return _take_digits(digits, _parse(source, len(digits.labels), argument))
    if source.startswith(_FACES) and _INDICES.fullmatch(source.removeprefix(_FACES)):
        return _select_faces(source.removeprefix(_FACES), shape, argument)
    if not source or not _exists(source):
        raise FiberscopeError(
            f"{argument}: {source!r} is neither indices, such as 0:16 or 3,7,20:24, or faces:0:8, nor a file or "
            "folder that exists."
        )
    loaded = load_images(source, shape=as_image(shape, argument))
    return Selection(loaded.images, loaded.names, (None,) * len(loaded.names))


def _exists(source: str) -> bool:
    try:
        return Path(source).exists()
    except OSError:  # a name that is too long for any file
        return False


def _select_faces(indices: str, shape: tuple[int, ...], argument: str) -> Selection:
    known = _fetched_faces()
    size = tuple(known.images.shape[2:])
    if len(shape) != 3 or shape[0] not in (1, 3) or shape[1:] != size:
        raise FiberscopeError(
            f"{argument}: the fetched faces are grey images {(1, *size)}, the network takes {shape}. Give a network of "
            "such images, such as --model face-embedding."
        )
    rows = _parse(indices, len(known.labels), argument, f"there are {len(known.labels)} fetched faces")
    pictures = rows % int((known.labels == 0).sum()) + 1
    names = tuple(
        f"person {person + 1}, picture {picture}"
        for person, picture in zip(known.labels[rows].tolist(), pictures.tolist(), strict=True)
    )
    return Selection(known.images[rows].expand(-1, shape[0], -1, -1), names, (None,) * len(rows))


@cache
def _fetched_faces() -> LabelledImages:
    return faces()


@cache
def _test_set() -> LabelledImages:
    return mnist("test")


def _digits(shape: tuple[int, ...], argument: str) -> LabelledImages:
    if not is_digit(shape):
        raise FiberscopeError(
            f"{argument}: indices mean digits of shape (1, 28, 28), but the network takes {shape}. "
            f"Give pictures, a folder or an npz archive by --{argument}."
        )
    return _test_set()


def _take_digits(digits: LabelledImages, rows: Int64[Tensor, " image"]) -> Selection:
    labels: list[int] = digits.labels[rows].tolist()
    return Selection(
        digits.images[rows], tuple(f"test {row}" for row in rows.tolist()), tuple(labels), (True,) * len(rows)
    )


def _parse(source: str, count: int, argument: str, whole: str = _DIGITS) -> Int64[Tensor, " image"]:
    rows = [row for part in source.split(",") for row in _parse_part(part, count, argument, whole)]
    return torch.tensor(rows, dtype=torch.int64)


def _parse_part(part: str, count: int, argument: str, whole: str) -> Sequence[int]:
    numbers = [int(number) if number else None for number in part.split(":")]
    first = numbers[0]
    if len(numbers) == 1:
        if first is None:
            raise FiberscopeError(f"{argument}: a number is missing between commas. Write indices such as 3,7,20:24.")
        _refuse_outside(first, 0, count - 1, count, argument, whole)
        return [first]
    if numbers[2:] == [0]:
        raise FiberscopeError(f"{argument}: {part!r} has step 0. Give a step of at least 1, or leave it out.")
    for bound in numbers[:2]:
        _refuse_outside(bound or 0, 0, count, count, argument, whole)
    rows = range(count)[slice(*numbers)]
    if not rows:
        raise FiberscopeError(f"{argument}: {part!r} selects nothing. Give start:stop with start below stop.")
    return rows


def _refuse_outside(number: int, low: int, high: int, count: int, argument: str, whole: str) -> None:
    if not low <= number <= high:
        raise FiberscopeError(f"{argument}: index {number} is out of range; {whole}, 0 to {count - 1}.")
