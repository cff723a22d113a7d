"""MNIST: the test set ships with the package, the training set is fetched once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from fiberscope.data.labelled import LabelledImages
from fiberscope.data.mnist_files import FILES, SHIPPED, read_split, user_cache
from fiberscope.problem.errors import FiberscopeError

_IMAGES_HEADER = 16  # bytes of an IDX file of rank 3: magic number and three sizes, 32 bits each
_LABELS_HEADER = 8  # the same of rank 1


def mnist(split: Literal["test", "train"], root: str | Path | None = None) -> LabelledImages:
    """Read the 10,000 test or the 60,000 training digits of MNIST, in the order of the original files.

    A given `root` is the only place looked at. Without it the test set is the shipped one, and the training
    set is looked for in the folder that the environment variable FIBERSCOPE_DATA names, then in the user's
    cache. A folder may hold the IDX files, gzipped or not, itself or in `mnist/` or `MNIST/raw/`.

    Raises FiberscopeError when a file is missing, truncated or altered.

    References:
        LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition.
    """
    if split not in FILES:
        raise FiberscopeError(f'split is {split!r}; MNIST has the splits "test" and "train"')
    raw = mnist_bytes(split, root)
    return LabelledImages(images=raw.images.float() / 255, labels=raw.labels, name=f"mnist-{split}")


class MnistBytes(NamedTuple):
    """Digits as the files hold them, a quarter of their size as numbers, and the class of each."""

    images: UInt8[Tensor, "image 1 28 28"]
    labels: Int64[Tensor, " image"]


def mnist_bytes(split: Literal["test", "train"], root: str | Path | None = None) -> MnistBytes:
    """Read the same digits and leave their bytes: intensities are these over 255."""
    pixels, labels = read_split(split, _roots(split, root))
    # bytearray: torch warns about memory it may not write to
    images = torch.frombuffer(bytearray(pixels[_IMAGES_HEADER:]), dtype=torch.uint8).reshape(-1, 1, 28, 28)
    classes = torch.frombuffer(bytearray(labels[_LABELS_HEADER:]), dtype=torch.uint8)
    return MnistBytes(images, classes.long())


def _roots(split: str, root: str | Path | None) -> tuple[Path, ...]:
    if root is not None:
        return (Path(root),)
    if split == "test":
        return (SHIPPED,)
    from_environment = os.environ.get("FIBERSCOPE_DATA")
    return (Path(from_environment), user_cache()) if from_environment else (user_cache(),)
