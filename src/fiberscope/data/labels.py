"""Numbers as the classes of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

MOST_CLASSES = 1_000_000  # tables have a place for each class up to the largest


def class_labels(path: Path, labels: NDArray[Any], count: int) -> Int64[Tensor, " image"]:
    """Return the class of each of `count` images; raises FiberscopeError for what is no whole number for each."""
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer) or labels.min(initial=0) < 0:
        raise FiberscopeError(
            f"labelled: {plain_name(path)} holds labels of shape {labels.shape} and type {labels.dtype}, "
            "wanted a whole number "
            f"from 0 for each of {count} images{_remedy(labels, count)}"
        )
    largest = int(labels.max(initial=0))
    if largest >= MOST_CLASSES:
        raise FiberscopeError(
            f"labelled: {plain_name(path)} holds the label {largest}, wanted classes below {MOST_CLASSES}: "
            "number them from 0 by "
            "numpy.unique(labels, return_inverse=True)[1]"
        )
    return torch.from_numpy(labels.astype(np.int64))


def _remedy(labels: NDArray[Any], count: int) -> str:
    if labels.shape in ((count, 1), (1, count)):
        return ": give labels.reshape(-1)"
    if labels.ndim == 2 and len(labels) == count:
        return ": of a column a class give labels.argmax(axis=1)"
    if labels.shape != (count,):
        return ""
    if labels.dtype == np.bool_:
        return ": give labels.astype(int)"
    if not np.issubdtype(labels.dtype, np.integer) and not np.isfinite(labels).all():
        return "; some are not finite"
    return ": number the classes by numpy.unique(labels, return_inverse=True)[1]"
