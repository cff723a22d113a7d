"""Weights from a file into a module: strictly, and without running anything that the file holds."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from fiberscope.problem.errors import ModelError

_CONVERT = "convert it where you trust it: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
_SHOWN = 4  # tensors named in a message


def load_weights(network: nn.Module, path: Path) -> None:
    """Load every tensor of the network from the file, in place.

    Raises ModelError when the file is missing, damaged, unsafe to read or of another architecture.
    """
    found = read_weights(path)
    _check_fit(path, found=found, wanted=network.state_dict())
    network.load_state_dict(found)


def freeze(network: nn.Module) -> None:
    """Put the network into eval mode and its parameters out of differentiation: only images move here."""
    network.eval()
    network.requires_grad_(False)


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a file by name; raises ModelError when it is missing, damaged or unsafe to read."""
    if not path.is_file():
        raise ModelError(f"weights file {path} does not exist; check the path")
    match path.suffix.lower():
        case ".safetensors":
            return _read_safetensors(path)
        case ".pt" | ".pth":
            return _check_state_dict(path, _read_torch(path))
        case suffix:
            raise ModelError(f"{path} has the suffix {suffix!r}, wanted .safetensors, .pt or .pth; {_CONVERT}")


def _read_safetensors(path: Path) -> Mapping[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path} is truncated or not a safetensors file ({error}); copy it again") from error


def _read_torch(path: Path) -> object:
    try:
        with warnings.catch_warnings():  # torch warns of old pickles before it refuses them; the refusal says enough
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds more than tensors, or is no torch file: reading it could run code that it brings, "
            f"so it is refused; {_CONVERT}"
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError) as error:
        raise ModelError(f"{path} is truncated or damaged ({type(error).__name__}); copy it again") from error


def _check_state_dict(path: Path, found: object) -> Mapping[str, Tensor]:
    if not isinstance(found, Mapping):
        raise ModelError(f"{path} holds a {type(found).__name__}, wanted a state dict (names to tensors); {_CONVERT}")
    others = [repr(key) for key, value in found.items() if not isinstance(value, Tensor)]
    if others:
        raise ModelError(
            f"{path} is not a state dict (names to tensors): {_first_few(others)} are no tensors. If one of "
            "them holds the state dict, save that one alone"
        )
    return found


def _check_fit(path: Path, *, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    missing = [name for name in wanted if name not in found]
    unexpected = [name for name in found if name not in wanted]
    mismatched = [
        f"{name} is {tuple(found[name].shape)}, wanted {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "of another shape": mismatched}
    troubles = [f"{kind}: {_first_few(names)}" for kind, names in kinds.items() if names]
    if troubles:
        raise ModelError(
            f"{path} is of another architecture; {'; '.join(troubles)}. Give the weights of this network, "
            "or the network of these weights"
        )


def _first_few(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
