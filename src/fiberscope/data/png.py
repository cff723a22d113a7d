"""One PNG file as an image for a network."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.problem.errors import FiberscopeError

_MODES = {1: "L", 3: "RGB"}


def read_png(path: Path, *, shape: tuple[int, int, int]) -> Float[Tensor, "channel height width"]:
    """Read the picture's intensities in [0, 1]; grey keeps 16 bits, 16-bit colour is read to 8 bits.

    An alpha channel must be opaque: the latent depends on the background, so its choice is the user's.

    Raises FiberscopeError when the file is no whole still PNG of the size and channels of `shape`.
    """
    channels, height, width = shape
    if channels not in _MODES:
        raise FiberscopeError(
            f"shape is {shape}, but a PNG becomes 1 channel (grey) or 3 (colour); give {path} as npz instead"
        )
    picture = _open(path)
    if picture.size != (width, height):
        found = f"{picture.width} x {picture.height} pixels (width x height)"
        raise FiberscopeError(
            f"{path} has {found}, wanted {width} x {height}: crop or scale it yourself (nothing is resized "
            "silently), or give the shape of your network"
        )
    if picture.mode.startswith("I;16"):
        # Pillow would clip, not scale, on the way to 8 bits
        grey = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 65535)
        return grey.expand(channels, height, width)
    pixels = np.asarray(picture.convert(_MODES[channels]), dtype=np.float32) / 255
    return torch.from_numpy(pixels.reshape(height, width, channels)).permute(2, 0, 1)


def _open(path: Path) -> Image.Image:
    """Decode the picture, a still one without transparency."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()
            frames = getattr(picture, "n_frames", 1)
    # Pillow tells of a broken PNG in all of these
    except (OSError, SyntaxError, ValueError, zlib.error, Image.DecompressionBombError) as error:
        raise FiberscopeError(
            f"{path} is not a readable PNG ({error}): it is damaged or something else; save it again as PNG"
        ) from error
    if frames > 1:
        raise FiberscopeError(f"{path} is an animation; save the frame you mean as a PNG of its own")
    if not picture.has_transparency_data:
        return picture
    opaque = picture.convert("RGBA")
    if opaque.getchannel("A").getextrema() != (255, 255):
        raise FiberscopeError(
            f"{path} has transparent pixels: flatten them onto the background you want and save without alpha"
        )
    return opaque
