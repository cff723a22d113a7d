"""Names of stored weights and those of a network: prefixes of trainers, tied tensors, counters of batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from fiberscope.models.json_rules import shown

_WRAPPERS = frozenset({"module", "_orig_mod", "model"})  # what trainers put around a network
_COMPILED = "_orig_mod"  # torch.compile puts it before any layer
_AVERAGED = "n_averaged"  # torch's AveragedModel counts in it
_COUNTER = "num_batches_tracked"  # of batch normalisation: no output depends on it in eval mode


class Fit(NamedTuple):
    """Stored tensors by the names of the network, what was done to names in words, and what does not fit."""

    tensors: Mapping[str, Tensor]
    done: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def fit_names(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Fit:
    """Finds each tensor of a network among stored ones; without a fit, the one that lacks least."""
    if _AVERAGED in found and _AVERAGED not in wanted:
        found = {name: tensor for name, tensor in found.items() if name != _AVERAGED}
    best: Fit | None = None
    for names, done in _renamings(tuple(found), tuple(wanted)):
        fit = _match({names[name]: tensor for name, tensor in found.items()}, wanted, done)
        if not fit.missing and not fit.unexpected:
            return fit
        if best is None or len(fit.missing) < len(best.missing):
            best = fit
    if best is None:
        return Fit(found, (), tuple(wanted), tuple(found))
    return best


def tied_names(wanted: Mapping[str, Tensor]) -> list[list[str]]:
    """Groups of names that a network has for one and the same tensor."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, tensor in wanted.items():
        if tensor.numel() and not tensor.is_meta and tensor.layout == torch.strided:
            groups.setdefault((tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def _renamings(found: tuple[str, ...], wanted: tuple[str, ...]) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    """Ways to read stored names as names of the network, the plainest first, with what each does in words."""
    real = {_uncompiled(name): name for name in wanted}
    plain = {name: _uncompiled(name) for name in found}
    if len(real) < len(wanted) or len(set(plain.values())) < len(found):
        real, plain = {name: name for name in wanted}, {name: name for name in found}
    own, others = _shared(tuple(real)), _shared(tuple(plain.values()))
    for lead in range(len(own) + 1):
        for cut in range(len(others) + 1):
            if not set(own[:lead]) <= _WRAPPERS or (lead and cut and not set(others[:cut]) <= _WRAPPERS):
                continue  # another layer's name is no prefix to be exchanged
            before, after = _join(others[:cut]), _join(own[:lead])
            names = {name: after + each.removeprefix(before) for name, each in plain.items()}
            yield {name: real.get(each, each) for name, each in names.items()}, _told(names, plain, before, after)


def _told(names: Mapping[str, str], plain: Mapping[str, str], before: str, after: str) -> tuple[str, ...]:
    compiled = any(name != each for name, each in plain.items()) and f"{_COMPILED}." not in before
    parts = [f"names without {shown(before)}"] if before else []
    parts += [f"names without '{_COMPILED}.'"] if compiled and names else []
    parts += [f"names behind {shown(after)}"] if after else []
    return tuple(parts)


def _match(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], done: tuple[str, ...]) -> Fit:
    tensors, told = dict(found), list(done)
    for group in tied_names(wanted):
        given = next((name for name in group if name in tensors), None)
        absent = [name for name in group if name not in tensors]
        if given is not None and absent:
            tensors.update(dict.fromkeys(absent, tensors[given]))
            told.append(f"{', '.join(absent)} tied to {given}")
    counters = [name for name in wanted if name not in tensors and name.rpartition(".")[2] == _COUNTER]
    if counters:
        tensors.update({name: wanted[name] for name in counters})
        told.append(f"{len(counters)} {_COUNTER} as the network has them")
    missing = tuple(name for name in wanted if name not in tensors)
    return Fit(tensors, tuple(told), missing, tuple(name for name in tensors if name not in wanted))


def _uncompiled(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != _COMPILED)


def _shared(names: tuple[str, ...]) -> list[str]:
    """Parts that all names begin with; the last part of a name is never one of them."""
    if not names:
        return []
    parts = [name.split(".")[:-1] for name in names]
    first, last = min(parts), max(parts)
    count = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:count]


def _join(parts: list[str]) -> str:
    return "".join(f"{part}." for part in parts)
