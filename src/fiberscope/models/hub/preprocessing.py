"""The preprocessing that a saved image processor of Hugging Face describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fiberscope.models.preprocessing import Preprocessing
from fiberscope.problem.errors import FiberscopeError, ModelError

WORDS = (
    "do_rescale",
    "rescale_factor",
    "rescale_offset",
    "do_normalize",
    "image_mean",
    "image_std",
    "do_flip_channel_order",
    "include_top",
)
"""The words of an image processor that are read here."""
_BYTES = 255.0  # images are in [0, 1] here, in bytes there


def described(words: Mapping[str, Any], path: Path) -> Preprocessing:
    """Returns what the words of an image processor do to a pixel in [0, 1].

    Raises ModelError that names the file where a word has the wrong type, or makes every image the same.
    """
    rescales = _flag(words, "do_rescale", True, path)
    factor = _numbers(words, "rescale_factor", path) or (1 / _BYTES,)
    if len(factor) > 1 or not 0 < factor[0] < float("inf"):
        raise _unlike(path, "rescale_factor", words, "a number above zero")
    scale = round(_BYTES * factor[0], 9) if rescales else _BYTES
    mean, std = (_numbers(words, name, path) for name in ("image_mean", "image_std"))
    if not _flag(words, "do_normalize", "image_mean" in words or "image_std" in words, path):
        mean, std = (0.0,), (1.0,)
    elif not mean or not std or (len(mean) != len(std) and 1 not in (len(mean), len(std))):
        raise ModelError(
            f"{path}: image_mean {words.get('image_mean')!r} and image_std {words.get('image_std')!r} do not describe "
            "a normalisation; wanted a number for each channel in both, or do_normalize false. Fetch the file again"
        )
    if rescales and _flag(words, "rescale_offset", False, path):
        mean = tuple(value + 1 for value in mean)
    if words.get("include_top") is True:  # of EfficientNet, whose images are divided once more
        std = tuple(value**2 for value in std)
    flips = _flag(words, "do_flip_channel_order", False, path)
    try:
        return Preprocessing(mean=mean, std=std, scale=scale, channels="bgr" if flips else "same")
    except FiberscopeError as error:
        raise ModelError(f"{path}: {error} Fetch the file again") from error


def _flag(words: Mapping[str, Any], name: str, default: bool, path: Path) -> bool:
    value = words.get(name, default)
    if value is not None and not isinstance(value, bool):
        raise _unlike(path, name, words, "true or false")
    return bool(value)


def _numbers(words: Mapping[str, Any], name: str, path: Path) -> tuple[float, ...]:
    value = words.get(name)
    if value is None:
        return ()
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        raise _unlike(path, name, words, "a number, or a list of numbers")
    return tuple(map(float, values))


def _unlike(path: Path, name: str, words: Mapping[str, Any], wanted: str) -> ModelError:
    return ModelError(f"{path}: {name} is {words[name]!r}, wanted {wanted}. Fetch the file again")
