"""An npz archive as images for a network."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from fiberscope.problem.errors import FiberscopeError


def read_npz(path: Path, *, shape: tuple[int, int, int]) -> Float[Tensor, "image channel height width"]:
    """Read the array "images", or the only array: one image or many, uint8 or floating in [0, 1].

    Raises FiberscopeError when the archive is damaged, ambiguous or pickled, or the array does not fit.
    """
    array = _read_array(path)
    channels, height, width = shape
    # without its channel axis, a grey image is as common as with it
    fits = array.shape[-3:] == shape or (channels == 1 and array.shape[-2:] == (height, width) and array.ndim < 4)
    if array.size == 0 or array.ndim > 4 or not fits:
        raise FiberscopeError(
            f"{path} holds an array of shape {array.shape}, wanted (N, {', '.join(map(str, shape))}) with N images, "
            f"or {shape} for one: transpose or reshape it, or give the shape of your network"
        )
    return torch.from_numpy(_intensities(path, array)).reshape(-1, channels, height, width)


def _read_array(path: Path) -> NDArray[Any]:
    try:
        # never pickle: loading an image must not run code
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = list(archive.files)
            name = arrays[0] if len(arrays) == 1 else "images"
            array: NDArray[Any] | None = archive[name] if name in arrays else None
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise FiberscopeError(
            f"{path} is not a readable npz archive of numbers ({error}); write it with "
            "numpy.savez(path, images=array), the array uint8 or floating"
        ) from error
    if array is None:
        raise FiberscopeError(f'{path} holds the arrays {arrays}: name the one with images "images", or keep it alone')
    return array


def _intensities(path: Path, array: NDArray[Any]) -> NDArray[np.float32]:
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if not np.issubdtype(array.dtype, np.floating):
        raise FiberscopeError(f"{path} holds {array.dtype}, wanted uint8 (0 to 255) or floating in [0, 1]: convert it")
    if not np.isfinite(array).all():
        raise FiberscopeError(f"{path} holds values that are not finite; images must be floating in [0, 1]")
    if array.min() < 0 or array.max() > 1:
        raise FiberscopeError(
            f"{path} holds values from {array.min():g} to {array.max():g}, wanted [0, 1]: scale it yourself "
            "(divide by 255 where that is the white of your images)"
        )
    return array.astype(np.float32)
