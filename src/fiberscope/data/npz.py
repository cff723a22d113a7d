"""An npz archive as images for a network."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.data.archive import array_names, read_array
from fiberscope.data.intensities import intensities
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError


def read_npz(
    path: Path, *, shape: tuple[int, int, int], max_bytes: int | None = None
) -> Float[Tensor, "image channel height width"]:
    """Read the array "images", or the only array: one image or many, uint8 or floating in [0, 1].

    Raises FiberscopeError when the archive is damaged, ambiguous or pickled, takes more memory than `max_bytes` beside
    its own size, or the array does not fit.
    """
    arrays = array_names(path)
    name = arrays[0] if len(arrays) == 1 else "images"
    if name not in arrays:
        raise FiberscopeError(
            f'{plain_name(path)} holds the arrays {arrays[:20]}: name the one with images "images", or keep it alone'
        )
    array = read_array(path, name, max_bytes=max_bytes)
    return torch.from_numpy(intensities(path, array, shape))
