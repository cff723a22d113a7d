"""Files of a Hugging Face folder: JSON that is checked before it is believed, and the shapes of tensors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple, NoReturn

import safetensors

from fiberscope.problem.errors import ModelError

_MOST_BYTES = 16 * 2**20  # of a JSON file; names of 21,000 classes take one
_MOST = 2**20  # a size beyond is none of an image model's, and building one would ask for more memory than there is


class Declared(NamedTuple):
    """A tensor as the header of its file declares it; ``dtype`` in the words of safetensors, such as F32."""

    shape: tuple[int, ...]
    dtype: str


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON object; raises ModelError where the file holds anything else, or a number that is no size."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        if not isinstance(found, dict):
            raise ValueError(f"it holds a {type(found).__name__}, wanted an object, {{...}}")
        _check_numbers(found, "")
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read as a description of a model: {error}. Fetch it again") from error
    return found


def declared_tensors(folder: Path) -> Mapping[str, Declared]:
    """Returns all tensors that the folder's safetensors declare, by name; empty where there is no such file.

    Raises ModelError where a file is damaged or the index of shards names anything but a file beside it.
    """
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        files: Sequence[str] = ["model.safetensors"]
    else:
        files = _shards(index) if index.is_file() else []
    tensors: dict[str, Declared] = {}
    for name in files:
        tensors |= _header(folder / name)
    return tensors


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is no number of JSON")


def _check_numbers(value: object, place: str) -> None:
    match value:
        case dict():
            for key, inner in value.items():
                _check_numbers(inner, f"{place}.{key}".lstrip("."))
        case list():
            for inner in value:
                _check_numbers(inner, place)
        case int() if abs(value) > _MOST:
            raise ValueError(f"{place} is {value}, wanted a whole number of at most {_MOST}")
        case float() if not math.isfinite(value):
            raise ValueError(f"{place} is {value}, wanted a finite number")


def _shards(index: Path) -> Sequence[str]:
    places = read_object(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ModelError(f"{index} has no weight_map from tensors to files; fetch it again")
    names = sorted(set(map(str, places.values())))
    for name in names:
        if PurePath(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise ModelError(f"{index} names {name!r}, wanted a .safetensors file beside it; fetch it again")
        if not (index.parent / name).is_file():
            raise ModelError(f"{index} names {name}, which is not there; fetch it again")
    return names


def _header(path: Path) -> Mapping[str, Declared]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {name: Declared(tuple(it.get_shape()), it.get_dtype()) for name, it in slices.items()}
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path} is truncated or not a safetensors file ({error}); copy it again") from error
