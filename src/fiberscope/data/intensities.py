"""An array of pixels as images in [0, 1], or what is to be done that it becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

_COLOURS = {1: "grey", 3: "colour"}
_BEYOND = 0.05  # images that were resized go so far beyond [0, 1]


def intensities(path: Path, array: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return images (N, channels, height, width) with intensities in [0, 1]; bytes are divided by 255.

    Raises FiberscopeError, with what to do, for an array of another shape, type or range.
    """
    channels, height, width = shape
    # without its channel axis, a grey image is as common as with it
    fits = array.shape[-3:] == shape or (channels == 1 and array.shape[-2:] == (height, width) and array.ndim < 4)
    if array.size == 0 or array.ndim > 4 or not fits:
        raise FiberscopeError(
            f"{plain_name(path)} holds an array of shape {array.shape}, wanted (N, "
            f"{', '.join(map(str, shape))}) with N images, "
            f"or {shape} for one: {_shape_remedy(array.shape, shape)}"
        )
    return _scaled(path, array).reshape(-1, channels, height, width)


def size_remedy(found: Sequence[int], wanted: tuple[int, int]) -> str:
    """Say how images of another size, given as (channels, height, width), meet the network."""
    size, target = " ".join(map(str, found)), " ".join(map(str, wanted))
    return (
        f"crop or scale them yourself (nothing is resized silently), or say that your images are so by --input-shape "
        f"{size}, and --resize {target} where the network wants {target}"
    )


def _shape_remedy(found: tuple[int, ...], shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    if 0 in found:
        return "it holds no image; give at least one"
    if found and len(found) < 3 and found[-1] == channels * height * width:
        return f"its images are flat; give array.reshape{(-1, *shape)}"
    if len(found) not in (3, 4):
        return "transpose or reshape it, or give the shape of your network"
    image, steps = found[-3:], []
    if image[0] not in (1, 3) and image[2] in (1, 3):
        axes = "0, 3, 1, 2" if len(found) == 4 else "2, 0, 1"
        steps.append(f"its channels come last, put them first by array.transpose({axes})")
        image = (image[2], image[0], image[1])
    elif len(found) == 3 and image[0] not in (1, 3):
        image = (1, *image[1:])
    if image[1:] != (height, width):
        steps.append(size_remedy(image, (height, width)))
    if image[0] != channels:
        words = f"{_COLOURS.get(image[0], image[0])}, the network takes {_COLOURS.get(channels, channels)}"
        steps.append(f"its images are {words}{_channels_remedy(image, channels)}")
    return "; ".join(steps) or "transpose or reshape it, or give the shape of your network"


def _channels_remedy(image: Sequence[int], channels: int) -> str:
    way = {(1, 3): "rgb", (3, 1): "grey"}.get((image[0], channels))
    if way is None:
        return " channels; give the shape of your images by --input-shape"
    size = " ".join(map(str, image))
    return (
        f": keep them, and give --input-shape {size} --channels {way}, in Python models.Preprocessing(channels={way!r})"
    )


def _scaled(path: Path, array: NDArray[Any]) -> NDArray[np.float32]:
    if array.dtype == np.uint8:
        numbers = array.astype(np.float32)
        numbers /= np.float32(255)
        return numbers
    if not np.issubdtype(array.dtype, np.floating):
        raise FiberscopeError(
            f"{plain_name(path)} holds {array.dtype}, wanted uint8 (0 to 255) or floating in [0, 1]: "
            f"{_type_remedy(int(array.min()), int(array.max()))}"
        )
    # NaN goes through min and max, and they take no memory
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise FiberscopeError(f"{plain_name(path)} holds values that are not finite; images must be floating in [0, 1]")
    if low < 0 or high > 1:
        raise FiberscopeError(
            f"{plain_name(path)} holds values from {low:g} to {high:g}, wanted [0, 1]: scale it yourself "
            f"({_range_remedy(low, high)})"
        )
    return array.astype(np.float32, copy=False)


def _type_remedy(low: int, high: int) -> str:
    if low < 0:
        return "shift and scale it to [0, 1], floating"
    if high <= 1:
        return "give array.astype(numpy.float32), if white is 1"
    if high <= 255:
        return "give array.astype(numpy.uint8), if white is 255"
    return f"give array / white, floating, where white is at least {high}"


def _range_remedy(low: float, high: float) -> str:
    if low >= -_BEYOND and high <= 1 + _BEYOND:
        return "give array.clip(0, 1), if only rounding or interpolation went beyond"
    if low >= 0 and high <= 255:
        return "divide by 255, the white of bytes"
    if low >= 0 and high <= 65535:
        return "divide by 65535, the white of 16 bits, or by the white of your images"
    return (
        "images that were normalised already: give them as they were before, in [0, 1], and let the network normalise "
        "by --mean and --std, in Python models.Preprocessing(mean=..., std=...)"
    )
