"""The operators and hooks of a forward pass that explain why a gradient is not a derivative."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

_ROUNDING = ("round", "floor", "ceil", "trunc", "sign", "sgn", "heaviside", "frac", "remainder", "fmod")
_NAME = re.compile(r"(\w+?)Backward\d*")


def gradient_dtypes(function: Callable[[Tensor], Tensor], images: Tensor) -> set[torch.dtype]:
    """Dtypes of the gradients that flow backward through the map."""
    seen = {images.dtype}
    for node in _nodes(function, images):
        seen |= {each.dtype for each in getattr(node, "_input_metadata", ()) if each.dtype.is_floating_point}
    return seen


def coarse_inside(function: Callable[[Tensor], Tensor], images: Tensor) -> str:
    """Returns the half-precision dtypes that gradients pass through, empty for none."""
    return " and ".join(sorted({_name(each) for each in gradient_dtypes(function, images) if each.itemsize <= 2}))


def told(function: Callable[[Tensor], Tensor], model: object, images: Tensor) -> str:
    """Returns in parentheses what was seen: backward hooks, a coarser dtype inside, operators that round."""
    coarse = sorted(
        {_name(each) for each in gradient_dtypes(function, images) if each.itemsize < images.dtype.itemsize}
    )
    rounding = rounding_inside(function, images)
    reasons = [
        f"a backward hook is left on at {', '.join(hooked)}" if (hooked := _hooked(model)) else "",
        f"it computes in {' and '.join(coarse)} inside" if coarse else "",
        f"operators that round run in it: {', '.join(rounding)}" if rounding else "",
    ]
    seen = "; ".join(filter(None, reasons))
    return f" (seen: {seen})" if seen else ""


def rounding_inside(function: Callable[[Tensor], Tensor], images: Tensor) -> list[str]:
    """Returns the names of operators that round, of those that gradients pass."""
    names = {match[1].lower() for node in _nodes(function, images) if (match := _NAME.match(node.name()))}
    return [name for name in _ROUNDING if name in names]


def _nodes(function: Callable[[Tensor], Tensor], images: Tensor) -> Iterator[Any]:
    """The nodes of the graph of one pass, each once."""
    with torch.enable_grad():
        latents = function(images.detach().clone().requires_grad_(True))
    waiting, seen = [latents.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            waiting.extend(following for following, _ in node.next_functions)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _hooked(model: object) -> list[str]:
    modules = model.named_modules() if isinstance(model, nn.Module) else ()
    return [name or "the model" for name, each in modules if each._backward_hooks or each._backward_pre_hooks][:4]
