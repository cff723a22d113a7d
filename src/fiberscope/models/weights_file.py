"""Files of weights, read without running anything that they hold."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from fiberscope.models.json_rules import shown
from fiberscope.models.torch_archive import refuse_what_is_no_state_dict
from fiberscope.models.torch_pickle import refuse_more_than_tensors, refuse_pointer
from fiberscope.problem.errors import ModelError

ENTRIES = ("state_dict", "model_state_dict", "model", "network", "net", "weights", "module", "ema", "model_ema")
_CONVERT = "convert it where you trust it: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
_SHOWN = 4  # names in a message
_LONGEST_HEADER = 2**24  # bytes; those of large networks have some hundred thousand
_DEEPEST = 3  # entries within entries


class StoredWeights(NamedTuple):
    """Tensors by name, and in words the entry of the file that held them where there are several."""

    tensors: Mapping[str, Tensor]
    entry: str = ""


def read_stored(path: Path) -> StoredWeights:
    """Reads a file of weights; raises ModelError when it is missing, damaged, unsafe to read or holds no state dict."""
    if not path.is_file():
        raise ModelError(f"weights file {path} does not exist; check the path")
    match path.suffix.lower():
        case ".safetensors":
            return StoredWeights(_read_safetensors(path))
        case ".pt" | ".pth" | ".ckpt":
            return _find_state_dict(path, _read_torch(path))
        case suffix:
            raise ModelError(f"{path} has the suffix {suffix!r}, wanted .safetensors, .pt, .pth or .ckpt; {_CONVERT}")


def first_few(names: Iterable[str]) -> str:
    """The first names of a list and the number of the others, without what could steer a terminal."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(shown(name)[1:-1] for name in listed[:_SHOWN]) + more


def _read_safetensors(path: Path) -> Mapping[str, Tensor]:
    with path.open("rb") as file:
        begin = file.read(32)
    refuse_pointer(path, begin)
    header = int.from_bytes(begin[:8], "little")
    if header > _LONGEST_HEADER and header + 8 <= path.stat().st_size:
        raise ModelError(f"{path} has a header of {header} bytes, at most {_LONGEST_HEADER} are read; save it again")
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # of the header that a damaged file declares, whatever it trips over
        raise ModelError(
            f"{path} is truncated or not a safetensors file ({shown(str(error))[1:-1]}); copy it again"
        ) from error


def _read_torch(path: Path) -> object:
    refuse_what_is_no_state_dict(path)
    refuse_more_than_tensors(path)
    try:
        with warnings.catch_warnings():  # torch warns of old pickles before it refuses them; the refusal says enough
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds more than tensors, or is no torch file: reading it could run code that it brings, "
            f"so it is refused; {_CONVERT}"
        ) from error
    except Exception as error:  # of the unpickler, whatever a damaged file makes of it
        raise ModelError(f"{path} is truncated or damaged ({type(error).__name__}); copy it again") from error


def _find_state_dict(path: Path, found: object, depth: int = _DEEPEST, within: str = "") -> StoredWeights:
    if not isinstance(found, Mapping):
        raise ModelError(f"{path} holds a {type(found).__name__}, wanted a state dict (names to tensors); {_CONVERT}")
    if all(isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()):
        return StoredWeights(found, within)
    entries = [name for name in ENTRIES if depth and _may_hold_weights(found.get(name))]
    if entries:
        left = f" and not {first_few(repr(name) for name in entries[1:])}" if entries[1:] else ""
        entry = f"{within} entry {entries[0]!r}{left}".strip()
        return _find_state_dict(path, found[entries[0]], depth - 1, entry)
    if "param_groups" in found or ("optimizer" in found and not any(isinstance(it, Tensor) for it in found.values())):
        raise ModelError(
            f"{path} holds the state of an optimiser and no network's: {first_few(map(repr, found))}. Give the file "
            "that has the weights"
        )
    others = [shown(key) for key, value in found.items() if not (isinstance(key, str) and isinstance(value, Tensor))]
    raise ModelError(
        f"{path} is not a state dict (names to tensors): {first_few(others)} are no tensors. If one of "
        "them holds the state dict, save that one alone"
    )


def _may_hold_weights(found: object) -> bool:
    """Whether an entry is a mapping with tensors in it, or in an entry of it."""
    if not isinstance(found, Mapping):
        return False
    return any(isinstance(value, Tensor) or _holds_tensors(value) for value in found.values())


def _holds_tensors(found: object) -> bool:
    return isinstance(found, Mapping) and any(isinstance(value, Tensor) for value in found.values())
