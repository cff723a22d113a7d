"""A float32 network computed in float64, for measurements that rounding would spoil."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fiberscope.problem.layers import as_rows
from fiberscope.problem.operators_seen import gradient_dtypes

_CLOSE = 1e-3  # of the latents' size: beyond that it is another function


def in_double(model: Callable[[Tensor], Tensor], images: Tensor) -> Callable[[Tensor], Tensor] | None:
    """Returns the map computed in float64, with its parameters replaced for each call; None where that is not possible.

    It is not for TorchScript, for a model that names a dtype itself, and on devices that have no float64.
    """

    def plain(points: Tensor) -> Tensor:
        return as_rows(model(points.clone()))

    if images.dtype == torch.float64:
        return plain
    double = plain
    try:
        if isinstance(model, nn.Module):
            tensors = _tensors_in_double(model)

            def swapped(points: Tensor) -> Tensor:
                # Ties are met by the names: torch would put back the wrong tensor in a module that has two names.
                return as_rows(torch.func.functional_call(model, tensors, (points.clone(),), tie_weights=False))

            double = swapped
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, wanted = double(images.double()), plain(images).double()
        if found.dtype != torch.float64 or gradient_dtypes(double, images.double()) != {torch.float64}:
            return None
    except Exception:  # whatever a model does with what it was not made for
        return None
    close = (found - wanted).abs().max() <= _CLOSE * wanted.abs().max()
    return double if found.shape == wanted.shape and bool(close) else None


def _tensors_in_double(model: nn.Module) -> dict[str, Tensor]:
    """A copy in float64 of each parameter and buffer, under one name for each module that has it."""
    copies: dict[int, Tensor] = {}
    named: dict[str, Tensor] = {}
    for prefix, module in model.named_modules():  # each module once, by the first of its names
        own = {**module._parameters, **module._buffers}
        for name, tensor in own.items():
            if tensor is not None:
                copy = tensor.detach().double() if tensor.is_floating_point() else tensor
                named[f"{prefix}.{name}" if prefix else name] = copies.setdefault(id(tensor), copy)
    return named
