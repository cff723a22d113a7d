"""Pictures to bytes and files: the same picture gives the same bytes, and a file is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from fiberscope.gallery import theme
from fiberscope.problem.errors import FiberscopeError
from fiberscope.whole_file import write_whole


def to_png(image: Image.Image) -> bytes:
    """Encode the picture as a PNG file without dates or names of software, marked with its pixel density."""
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True, dpi=(72 * theme.DENSITY, 72 * theme.DENSITY))
    return buffer.getvalue()


def save_png(image: Image.Image, path: str | os.PathLike[str]) -> Path:
    """Write the picture as a PNG file, whole or not at all."""
    return write_whole(to_png(image), path)


def save_animation(
    frames: Sequence[Image.Image], path: str | os.PathLike[str], *, seconds_per_frame: float = 0.15
) -> Path:
    """Write the frames as an animated PNG file that repeats for ever.

    Raises:
        FiberscopeError: there is no frame, or the frames differ in size.

    """
    sizes = {frame.size for frame in frames}
    if len(sizes) != 1:
        raise FiberscopeError(f"frames have sizes {sorted(sizes)}, wanted one size: draw all frames in one layout")
    buffer = BytesIO()
    milliseconds = round(1000 * seconds_per_frame)
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return write_whole(buffer.getvalue(), path)
