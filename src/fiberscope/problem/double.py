"""A float32 network computed in float64, for measurements that rounding would spoil."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fiberscope.problem.layers import as_rows
from fiberscope.problem.operators_seen import gradient_dtypes

_CLOSE = 1e-3  # of the latents' size: beyond that it is another function


def in_double(model: Callable[[Tensor], Tensor], images: Tensor) -> Callable[[Tensor], Tensor] | None:
    """Returns the map computed in float64, by a copy of the model; None where that is not possible.

    It is not for TorchScript, for a model that names a dtype itself, and on devices that have no float64. A copy, since
    another thread may run the model at this moment.
    """
    if images.dtype == torch.float64:
        return _rows_of(model)
    try:
        double = _rows_of(copy.deepcopy(model).double() if isinstance(model, nn.Module) else model)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, wanted = double(images.double()), _rows_of(model)(images).double()
        if found.dtype != torch.float64 or gradient_dtypes(double, images.double()) != {torch.float64}:
            return None
    except Exception:  # whatever a model does with what it was not made for
        return None
    close = (found - wanted).abs().max() <= _CLOSE * wanted.abs().max()
    return double if found.shape == wanted.shape and bool(close) else None


def _rows_of(model: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda points: as_rows(model(points.clone()))
