"""One file with a picture as an image for a network."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageFile
from torch import Tensor

from fiberscope.data.intensities import size_remedy
from fiberscope.data.jpeg import padded_jpegs
from fiberscope.data.limit import read_whole, refuse_large
from fiberscope.data.png import Png, parse_png, refuse_part
from fiberscope.plain_text import plain_name
from fiberscope.problem.errors import FiberscopeError

# Formats of which a missing part is noticed and for which no other program is called, by what they begin with.
_FORMATS = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "TIFF": re.compile(rb"II\*\0|MM\0\*"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM"),
    "PPM": re.compile(rb"P[1-6]\s"),
}
_SUFFIXES = {
    **{".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".webp": "WEBP"},
    **{".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF", ".bmp": "BMP"},
    **{".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM"},
}
READABLE = "PNG, JPEG, WebP, TIFF, GIF, BMP and PPM"
_MODES = {1: "L", 3: "RGB"}
_READ_MODES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})
# Decoders that raise where data ends too early; those of runs (BMP) and of faxes and JPEG (within TIFF) fill up.
_DECODERS = frozenset({"raw", "zip", "jpeg", "gif", "ppm", "ppm_plain", "packbits", "libtiff"})
_TIFF_COMPRESSIONS = frozenset({"raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits"})
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Picture(NamedTuple):
    """Intensities in [0, 1], and whether the file stores the picture turned and says so in its EXIF."""

    image: Float[Tensor, "channel height width"]
    turned: bool


def is_picture(path: Path) -> bool:
    """Whether the file is to be read as a picture: by its suffix, damaged or not, else by how it begins."""
    if path.suffix.lower() in _SUFFIXES:
        return path.is_file()
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return _format_of(file.read(16), path) is not None
    except OSError:
        return False


def read_picture(path: Path, *, shape: tuple[int, int, int], max_bytes: int | None = None) -> Picture:
    """Read the picture's intensities in [0, 1], upright; grey keeps 16 bits, 16-bit colour is read to 8 bits.

    An alpha channel must be opaque: the latent depends on the background, so its choice is the user's.

    Raises FiberscopeError when the file is no whole still picture of the size and channels of `shape`, or takes more
    memory than `max_bytes` beside its own size.
    """
    if shape[0] not in _MODES:
        raise FiberscopeError(
            f"shape is {shape}, but a picture becomes 1 channel (grey) or 3 (colour); give {plain_name(path)} "
            "as npz instead"
        )
    content = read_whole(path, max_bytes)
    found = _format_of(content[:16], path) or "picture"
    try:
        with _strict_pillow():
            picture, turned = _open(path, content, found, shape, max_bytes)
            return Picture(_intensities(path, picture, found, shape), turned)
    except FiberscopeError:
        raise
    except Exception as error:  # a damaged file can raise anything in a decoder
        # not as what it is: it would be packed the same way again
        raise FiberscopeError(
            f"{plain_name(path)} is not a readable {found} ({error}): it is damaged or something else; save it "
            "again as PNG"
        ) from error


def _format_of(begin: bytes, path: Path) -> str | None:
    by_content = next((name for name, start in _FORMATS.items() if start.match(begin)), None)
    return by_content or _SUFFIXES.get(path.suffix.lower())


def _open(
    path: Path, content: bytes, found: str, shape: tuple[int, int, int], max_bytes: int | None
) -> tuple[Image.Image, bool]:
    """Decode the picture, a still one without transparency, once its size is known to be the one that is wanted."""
    png = parse_png(content) if found == "PNG" else None
    content = content if png is None else png.content
    picture = _header(content, found)
    orientation = _orientation(picture)
    _refuse_other_size(path, picture, orientation, shape)
    pixels = picture.width * picture.height
    refuse_large(path, pixels * 40, max_bytes)
    # the second picture of a JPEG (MPO) is a preview, or the other eye's
    several = getattr(picture, "is_animated", False) and picture.format != "MPO"
    if several or (png is not None and png.frames > 1):
        words = "holds several pages; save the one" if found == "TIFF" else "is an animation; save the frame"
        raise FiberscopeError(f"{plain_name(path)} {words} you mean as a PNG of its own")
    _load(picture, content, found, png)
    # Pillow turns TIFF by itself
    turn = _TURNS.get(_orientation(picture))
    upright = _opaque(path, picture if turn is None else picture.transpose(turn))
    return upright, orientation != 1


def _header(content: bytes, found: str) -> ImageFile.ImageFile:
    if found not in _FORMATS or not _FORMATS[found].match(content):
        raise ValueError(f"it begins like none of {READABLE}")
    picture = Image.open(BytesIO(content), formats=[found])
    assert isinstance(picture, ImageFile.ImageFile)
    return picture


def _orientation(picture: Image.Image) -> int:
    if picture.format == "PNG" and "exif" not in picture.info:
        return 1  # here Pillow would decode the picture to look for it
    found = picture.getexif().get(_ORIENTATION, 1)
    return found if found in _TURNS else 1


def _refuse_other_size(path: Path, picture: Image.Image, orientation: int, shape: tuple[int, int, int]) -> None:
    channels, size = shape[0], shape[:0:-1]
    # Pillow names the size of a TIFF as it will be turned
    turned = orientation >= 5 and picture.format != "TIFF"
    upright = picture.size[::-1] if turned else picture.size
    if upright != size:
        raise FiberscopeError(
            f"{plain_name(path)} has {upright[0]} x {upright[1]} pixels (width x height), wanted {size[0]} x "
            f"{size[1]}: " + size_remedy((channels, upright[1], upright[0]), size[::-1])
        )


def _load(picture: ImageFile.ImageFile, content: bytes, found: str, png: Png | None) -> None:
    """Decode all pixels; raises where a part of them is missing."""
    if png is not None:
        refuse_part(png)
    compression = picture.info.get("compression", "raw")
    if {tile[0] for tile in picture.tile} - _DECODERS or (found == "TIFF" and compression not in _TIFF_COMPRESSIONS):
        raise ValueError("it is packed in a way of which nobody can tell whether all is there")
    _refuse_uncovered(picture)
    picture.load()
    if found == "JPEG":
        for padded in padded_jpegs(content):
            again = _header(padded, found)
            again.load()
            if again.tobytes() != picture.tobytes():
                raise ValueError("a part of its pixels is missing")


def _refuse_uncovered(picture: ImageFile.ImageFile) -> None:
    covered: dict[object, int] = {}
    for tile in picture.tile:
        left, top, right, bottom = tile[1] or (0, 0, *picture.size)
        plane = tile[3][0] if isinstance(tile[3], tuple) else tile[3]
        covered[plane] = covered.get(plane, 0) + (right - left) * (bottom - top)
    if picture.tile and min(covered.values()) < picture.width * picture.height:
        raise ValueError("it covers a part of its canvas alone")


def _opaque(path: Path, picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    opaque = picture.convert("RGBA")
    if opaque.getchannel("A").getextrema() != (255, 255):
        raise FiberscopeError(
            f"{plain_name(path)} has transparent pixels: flatten them onto the background you want and save "
            "without alpha"
        )
    return opaque


def _intensities(
    path: Path, picture: Image.Image, found: str, shape: tuple[int, int, int]
) -> Float[Tensor, "channel height width"]:
    channels, height, width = shape
    if picture.mode.startswith("I;16") or (picture.mode == "I" and found in ("PNG", "PPM")):
        # Pillow would clip, not scale, on the way to 8 bits
        grey = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 65535)
        return grey.expand(channels, height, width)
    if picture.mode not in _READ_MODES:
        raise FiberscopeError(
            f"{plain_name(path)} holds pixels of the kind {picture.mode}, whose white nobody can tell; give "
            "them as npz in [0, 1]"
        )
    pixels = np.asarray(picture.convert(_MODES[channels]), dtype=np.float32) / 255
    return torch.from_numpy(pixels.reshape(height, width, channels)).permute(2, 0, 1)


class _Strict:
    """Pillow raises at missing data, leaves sizes to us and warns of nothing while this counts a reader.

    Its settings hold for all threads at once, so the first reader sets them and the last one sets them back.
    """

    lock = threading.Lock()
    readers = 0
    kept: tuple[bool, int | None] = (False, None)
    quiet = warnings.catch_warnings()


@contextmanager
def _strict_pillow() -> Iterator[None]:
    with _Strict.lock:
        _Strict.readers += 1
        if _Strict.readers == 1:
            _Strict.kept = (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS)
            ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS = False, None
            _Strict.quiet = warnings.catch_warnings(action="ignore")
            _Strict.quiet.__enter__()
    try:
        yield
    finally:
        with _Strict.lock:
            _Strict.readers -= 1
            if _Strict.readers == 0:
                ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS = _Strict.kept
                _Strict.quiet.__exit__(None, None, None)
