"""Bounds of latents over a box, by interval arithmetic on the operators that a network really runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from fiberscope.geometry.enclosure_rules import Range, aten, rule_of
from fiberscope.problem import LatentMap


def enclose(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    lower: Float[Tensor, "batch n"],
    upper: Float[Tensor, "batch n"],
) -> Range | None:
    """Bounds that the latents of all points between ``lower`` and ``upper`` keep, rounding included; None if unknown.

    The network runs once, on ``rows``, and each operator also tells bounds of its result from bounds of what it is
    given. An operator without a rule gives infinite bounds; a network that looks at its numbers to decide what to do
    next gives none. ``affine`` says that every operator between image and latent is affine.

    References:
        Moore, Kearfott and Cloud (2009), Introduction to Interval Analysis, chapters 2 and 5.
    """
    points = rows.detach().clone()
    interpreter = _Interpreter(points, Range(lower, upper, affine=True))
    try:
        with torch.no_grad(), interpreter:
            latents = latent_map(points)
        return None if interpreter.lost else interpreter.range_of(latents)
    except Exception:  # a network that does not run under a dispatch mode, as compiled ones, has no bounds here
        return None


class _Interpreter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps the bounds of all tensors that depend on the points, by the memory that they lie in.

    Memory, not objects: views of one tensor are different objects. A tensor in memory that depends on the points, but
    of which no bounds are kept, is not bounded.
    """

    def __init__(self, points: Tensor, given: Range) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lost = False  # whether a number that depends on the points has left torch
        self._ranges: dict[int, dict[tuple[object, ...], Range]] = {}
        self._alive: list[Tensor] = []  # memory is not given back while its address stands for it
        self._keep(points, given)

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = kwargs or {}
        varying = any(self._varies(each) for each in _tensors((args, options)))
        found = self._bounds(operator, args, options) if varying else None
        result = operator(*args, **options)
        if varying:
            self._note(operator, (args, options), result, found)
        return result

    def range_of(self, tensor: Tensor) -> Range | None:
        """Bounds of a tensor; None if it does not depend on the points, or is no float."""
        if not self._varies(tensor) or not tensor.is_floating_point():
            return None
        kept = self._ranges[_address(tensor)].get(_layout(tensor))
        if kept is not None:
            return kept
        infinity = torch.full(tensor.shape, torch.inf, dtype=tensor.dtype, device=tensor.device)
        return Range(-infinity, infinity, affine=False)

    def _varies(self, tensor: Tensor) -> bool:
        return tensor.numel() > 0 and _address(tensor) in self._ranges

    def _keep(self, tensor: Tensor, found: Range | None) -> None:
        if tensor.numel() == 0:
            return
        self._alive.append(tensor)
        kept = self._ranges.setdefault(_address(tensor), {})
        if found is not None and found.lower.shape == tensor.shape and found.lower.dtype == tensor.dtype:
            kept[_layout(tensor)] = found

    def _bounds(self, operator: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """What the operator's rule makes of its arguments; None where there is no rule, or it does not hold."""
        rule = rule_of(_out_of_place(operator))
        known = self._replaced(arguments)
        if rule is None or known is None or any(self._varies(each) for each in _tensors(options)):
            return None
        return rule(_out_of_place(operator), tuple(known), options)

    def _replaced(self, arguments: Any) -> list[Any] | None:
        """The arguments with bounds in the place of what varies; None if something varies that is no float."""
        replaced: list[Any] = []
        for each in arguments:
            if isinstance(each, list | tuple):
                inner = self._replaced(each)
                if inner is None:
                    return None
                replaced.append(inner)
            elif isinstance(each, Tensor) and self._varies(each):
                found = self.range_of(each)
                if found is None:
                    return None
                replaced.append(found)
            else:
                replaced.append(each)
        return replaced

    def _note(self, operator: Any, given: Any, result: Any, found: Any) -> None:
        outputs = list(_tensors(result))
        self.lost = self.lost or not outputs  # a number, which may decide what runs next
        if operator._schema.is_mutable:
            for each in _tensors(given):
                if any(_address(each) == _address(one) for one in outputs) or _out_of_place(operator) is operator:
                    self._ranges[_address(each)] = {}
                    self._alive.append(each)
        several = isinstance(found, list)
        for place, each in enumerate(outputs):
            first = found if place == 0 else None  # of operators with several results, such as pooling with its places
            self._keep(each, found[place] if several and len(found) == len(outputs) else None if several else first)


def _out_of_place(operator: Any) -> Any:
    """The operator that gives as a new tensor what this one writes into its first argument; else itself."""
    packet, _, overload = str(operator).removeprefix("aten.").partition(".")
    if not operator._schema.is_mutable or not packet.endswith("_") or packet.startswith("_"):
        return operator
    return getattr(getattr(aten, packet[:-1], None), overload, operator)


def _tensors(nested: Any) -> Iterator[Tensor]:
    if isinstance(nested, Tensor):
        yield nested
    elif isinstance(nested, list | tuple | dict):
        for each in nested.values() if isinstance(nested, dict) else nested:
            yield from _tensors(each)


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _layout(tensor: Tensor) -> tuple[object, ...]:
    return (tensor.storage_offset(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
