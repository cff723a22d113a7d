"""Weights from a file into a module: strictly, and without running anything that the file holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from fiberscope.models.weights_file import first_few, read_stored
from fiberscope.models.weights_names import fit_names, tied_names
from fiberscope.problem.errors import ModelError

_MOST_CLASSES = 2**16  # of 4096 numbers each they take 1 GiB


def load_weights(network: nn.Module, path: Path) -> str:
    """Loads every tensor of the network from the file, in place, and says in words what they are from.

    Names may have one prefix in common, as trainers put it (`module.`, `_orig_mod.`, `model.`), tied tensors may be
    stored once, and counters of batches may be absent; the words tell what was done. Raises ModelError when the file
    is missing, damaged, unsafe to read or of another architecture.
    """
    stored = read_stored(path)
    wanted = network.state_dict()
    fit = fit_names(stored.tensors, wanted)
    troubles = [f"missing: {first_few(fit.missing)}"] if fit.missing else []
    troubles += [f"unexpected: {first_few(fit.unexpected)}"] if fit.unexpected else []
    troubles += _other_shapes(fit.tensors, wanted)
    if troubles:
        raise ModelError(
            f"{path} is of another architecture; {'; '.join(troubles)}. Give the weights of this network, "
            "or the network of these weights"
        )
    for trouble in _unreadable(fit.tensors, wanted):
        raise ModelError(f"{path} cannot be loaded: {trouble}")
    tensors = {name: fit.tensors[name].to(tensor.dtype) for name, tensor in wanted.items()}
    for trouble in _untied(tensors, wanted):
        raise ModelError(f"{path} cannot be loaded: {trouble}")
    network.load_state_dict(tensors, assign=any(tensor.is_meta for tensor in wanted.values()))
    told = [stored.entry] if stored.entry else []
    return f"{path} ({'; '.join([*told, *fit.done])})" if told or fit.done else str(path)


def freeze(network: nn.Module) -> None:
    """Puts the network into eval mode and its parameters out of differentiation: only images move here."""
    _to_eval(network)
    for parameter in network.parameters():  # TorchScript refuses it of the network as a whole
        parameter.requires_grad_(False)


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Reads the tensors of a file by name; raises ModelError when it is missing, damaged or unsafe to read."""
    return read_stored(path).tensors


def stored_under(found: Mapping[str, Tensor], name: str) -> Tensor | None:
    """The stored tensor of a name, behind a prefix where a trainer put one."""
    behind = (tensor for key, tensor in found.items() if key.endswith(f".{name}"))
    return found[name] if name in found else next(behind, None)


def refuse_many_classes(path: Path, count: int | None) -> None:
    """Raises ModelError where the head of a file has rows beyond number: a network would be built for so many."""
    if count is not None and count > _MOST_CLASSES:
        raise ModelError(
            f"{path} has weights of {count} classes, wanted at most {_MOST_CLASSES}; give the network itself as "
            "file.py:factory where that is meant"
        )


def _other_shapes(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    others = [
        f"{name} is {tuple(found[name].shape)}, wanted {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    return [f"of another shape: {first_few(others)}"] if others else []


def _unreadable(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    for name, tensor in wanted.items():
        stored = found[name]
        if stored.is_meta:
            yield f"{name} has a shape and no values; save the network from a device that has them"
        elif stored.layout != torch.strided or stored.is_quantized:
            yield f"{name} is sparse or quantised; save it dense: tensor.to_dense(), tensor.dequantize()"
        elif stored.is_floating_point() != tensor.is_floating_point() or stored.is_complex() != tensor.is_complex():
            yield f"{name} is {stored.dtype}, wanted {tensor.dtype}; save it as the network has it"
        elif stored.is_floating_point() and bool(stored.isnan().any()):
            yield f"{name} holds NaN; training diverged, so take an earlier file"


def _untied(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    for first, *others in tied_names(wanted):
        for name in others:
            if not torch.equal(found[first], found[name]):
                yield f"{first} and {name} are one tensor of the network, and the file has two; untie them in it"


def _to_eval(module: nn.Module) -> None:
    try:
        module.eval()
    except Exception:  # graphs that were frozen or exported have no mode to change, and torch raises what it likes
        for child in module.children():
            _to_eval(child)
        with contextlib.suppress(Exception):
            module.training = False
