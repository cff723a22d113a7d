"""Fields of a plan in a file: their types, ranges and words, to which a plan from elsewhere is held."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fiberscope.problem import FiberscopeError

MOST_BYTES = 1 << 20
"""Size of a plan; those of surveys have some thousand bytes."""

_LONGEST, _SHOWN, _TOLD = 1000, 60, 5  # characters of a text, and of a value in a message; faults told
_PATH, _PART = 4095, 255  # bytes of a path, and of a name in it: of longer ones no system knows whether they are there
_MOST_ITEMS, _DEEPEST = 1000, 20
_MOST_IMAGES, _MOST_IN_A_TASK, _LARGEST_SIDE = 10**12, 10**8, 10**6
_MOST_NUMBERS = 2**26  # of an image
_HEX = re.compile(r"[0-9a-f]{64}")
_DEVICE = re.compile(r"[a-z]{1,16}(:[0-9]{1,4})?")
_OWN = re.compile(r".+\.py:[^\W\d]\w*", re.DOTALL)  # a Python file and the function in it
_NAME_OF_MEASURE = re.compile(r"[^/\\:]+")


class Field(NamedTuple):
    """A field in words and as a test; one that plans of earlier versions lack may be missing."""

    wanted: str
    fits: Callable[[Any], bool]
    may_lack: bool = False


def parse_plan(content: bytes) -> dict[str, Any]:
    """The object that a plan's file holds; raises ValueError for what is no strict JSON, or too large."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has {len(content)} bytes, wanted at most {MOST_BYTES}")
    try:
        found = json.loads(
            content.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_constant, parse_float=_finite
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"found {shown(found)}, wanted an object of fields")
    return found


def refuse_other_fields(found: Mapping[str, Any], *, where: str) -> None:
    """Raise FiberscopeError that names each field with what was found and what was wanted."""
    faults = [f"{shown(name)} is no field of a plan" for name in found if name not in FIELDS]
    for name, field in FIELDS.items():
        if name not in found:
            faults += [] if field.may_lack else [f"{name} is missing, wanted {field.wanted}"]
        elif not field.fits(found[name]):
            faults.append(f"{name}: found {shown(found[name])}, wanted {field.wanted}")
    if not faults and set(found["measure_settings"]) != set(found["measures"]):
        told = shown(sorted(found["measure_settings"]))
        faults.append(f"measure_settings: found {told}, wanted one for each of measures, and no other")
    if faults:
        more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
        raise FiberscopeError(
            f"{where} is no plan of a survey: {'; '.join(faults[:_TOLD])}{more}. Restore the file; nothing was changed."
        )


def shown(value: object) -> str:
    """A value as a short piece of JSON in plain letters."""
    try:
        words = json.dumps(value)
    except (RecursionError, ValueError, TypeError):
        words = f"a {type(value).__name__}"
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"


def _is_whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _is_number(value: Any, *, above: float = -math.inf) -> bool:
    return type(value) in (int, float) and above < value < math.inf and abs(value) < 1e30


def _is_text(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= _LONGEST and value.isprintable()


def _is_path(value: Any) -> bool:
    """Text, in which a name that is no UTF-8 has the marks that Python gives to such bytes."""
    try:
        whole = value.encode(errors="surrogateescape") if type(value) is str else b""
    except UnicodeEncodeError:
        return False
    return 0 < len(whole) <= _PATH and b"\0" not in whole and all(len(part) <= _PART for part in whole.split(b"/"))


def _is_hash(value: Any) -> bool:
    return type(value) is str and _HEX.fullmatch(value) is not None


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _is_one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and value in words


def _is_list(fits: Callable[[Any], bool], low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is list and low <= len(value) <= high and all(map(fits, value))


def _is_model(value: Any) -> bool:
    # Named by a Python file, it ends in the function's name: nothing but a file that ends in .py is run then.
    return _is_path(value) and (".py:" not in value or value.startswith(HUBS) or _OWN.fullmatch(value) is not None)


def _is_measure(value: Any) -> bool:
    if not _is_path(value):
        return False
    return (_OWN if ".py:" in value else _NAME_OF_MEASURE).fullmatch(value) is not None


def _is_shape(value: Any) -> bool:
    return _is_list(_is_whole(1, _LARGEST_SIDE), 1, 8)(value) and math.prod(value) <= _MOST_NUMBERS


def _is_json(value: Any, depth: int = 0) -> bool:
    if depth > _DEEPEST:
        return False
    if type(value) is dict:
        names = len(value) <= _MOST_ITEMS and all(len(name) <= _PATH for name in value)
        return names and all(_is_json(each, depth + 1) for each in value.values())
    if type(value) is list:
        return len(value) <= MOST_BYTES and all(_is_json(each, depth + 1) for each in value)
    return value is None or type(value) in (str, bool, int) or (type(value) is float and math.isfinite(value))


def _is_settings(value: Any) -> bool:
    return type(value) is dict and all(type(each) is dict and _is_json(each) for each in value.values())


def _is_versions(value: Any) -> bool:
    if type(value) is not dict or len(value) > _MOST_ITEMS:
        return False
    return all(_is_text(name) and _is_text(each) for name, each in value.items())


def _is_preprocessing(value: Any) -> bool:
    return type(value) is dict and all(name in _PREPROCESSING and _PREPROCESSING[name](value[name]) for name in value)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} is there twice")
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{word[:_SHOWN]} is too large for a number")
    return value


HUBS = ("timm:", "torchvision:", "hf:")
_PREPROCESSING: dict[str, Callable[[Any], bool]] = {
    "mean": _is_list(_is_number, 1, _MOST_ITEMS),
    "std": _is_list(lambda value: _is_number(value, above=0.0), 1, _MOST_ITEMS),
    "scale": lambda value: _is_number(value, above=0.0),
    "resize": _or_none(_is_list(_is_whole(1, _LARGEST_SIDE), 2, 2)),
    "channels": _is_one_of("same", "rgb", "bgr", "grey"),
}
_SHA = "a SHA-256 of 64 small hexadecimal digits"
FIELDS: dict[str, Field] = {
    "model": Field("the name of a network", _is_model),
    "weights": Field("a path, or null", _or_none(_is_path)),
    "layer": Field("the name of a layer", _is_text),
    "input_shape": Field(f"one to eight whole numbers of at least 1, {_MOST_NUMBERS} together at most", _is_shape),
    "dtype": Field("float32 or float64", _is_one_of("float32", "float64")),
    "device": Field("a device such as cpu or cuda:0", lambda value: _is_text(value) and bool(_DEVICE.fullmatch(value))),
    "network_sha256": Field(f"{_SHA}, or nothing", lambda value: value == "" or _is_hash(value)),
    "model_file_sha256": Field(f"{_SHA}, or null", _or_none(_is_hash)),
    "judges_sha256": Field(f"{_SHA}, or null", _or_none(_is_hash)),
    "data": Field("a path, or the name of images", _is_path),
    "data_sha256": Field(_SHA, _is_hash),
    "images": Field(f"a whole number from 1 to {_MOST_IMAGES}", _is_whole(1, _MOST_IMAGES)),
    "labelled": Field("a path, or null", _or_none(_is_path)),
    "reference_sha256": Field(_SHA, _is_hash),
    "measures": Field(
        "names of measures, your own as file.py:factory",
        lambda value: _is_list(_is_measure, 1, _MOST_ITEMS)(value) and len(set(value)) == len(value),
    ),
    "measure_settings": Field("an object of settings for each measure", _is_settings),
    "batch_size": Field(f"a whole number from 1 to {_MOST_IN_A_TASK}", _is_whole(1, _MOST_IN_A_TASK)),
    "seed": Field("a whole number of 64 bits", _is_whole(-(2**63), 2**64 - 1)),
    "threads": Field("a whole number from 1 to 64", _is_whole(1, 64)),
    "versions": Field("an object of versions as text", _is_versions),
    "judges": Field("names of networks", _is_list(_is_model, 0, _MOST_ITEMS), may_lack=True),
    "preprocessing": Field("mean, std, scale, resize and channels", _is_preprocessing, may_lack=True),
    "normalise_latent": Field("true or false", lambda value: type(value) is bool, may_lack=True),
    "variations": Field("general or faces", _is_one_of("general", "faces"), may_lack=True),
    "format": Field("a whole number", lambda value: type(value) is int),
}
"""Every field of a plan, by its name."""
