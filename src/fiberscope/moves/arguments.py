"""Checks of the numbers and masks that people give to moves."""

from __future__ import annotations

import math
import operator

import torch
from jaxtyping import Bool
from torch import Tensor

from fiberscope.problem import FiberscopeError


def is_count(value: object, *, least: int) -> bool:
    """Whether a value is a whole number of at least ``least``; a bool, a tensor or 3.0 is none."""
    try:
        return not isinstance(value, bool | Tensor) and operator.index(value) >= least  # type: ignore[arg-type]
    except TypeError:
        return False


def is_number(value: object) -> bool:
    """Whether a value is a real number that is not NaN; a bool or a text is none."""
    try:
        return not isinstance(value, bool | str) and not math.isnan(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return False


def check_count(name: str, value: object, *, least: int = 1) -> None:
    """Raise `FiberscopeError` that names the argument unless it is a whole number of at least ``least``."""
    if not is_count(value, least=least):
        raise FiberscopeError(f"{name}: expected a whole number of at least {least}, found {value!r}.")


def check_share(name: str, value: object) -> None:
    """Raise `FiberscopeError` that names the argument unless it is a finite number that is not negative."""
    if not is_number(value) or not 0 <= float(value) < math.inf:  # type: ignore[arg-type]
        raise FiberscopeError(f"{name}: expected a finite number that is not negative, found {value!r}.")


def check_tensor(name: str, value: object) -> None:
    """Raise `FiberscopeError` that names the argument unless it is a tensor."""
    if not isinstance(value, Tensor):
        raise FiberscopeError(
            f"{name}: expected a torch tensor, found {type(value).__name__}. Convert with torch.as_tensor({name})."
        )


def check_mask(mask: object, shape: tuple[int, ...], batch: int) -> Bool[Tensor, "..."]:
    """The mask ``frozen``, if it is a boolean one of an image or one an image; raises `FiberscopeError` otherwise."""
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool or tuple(mask.shape) not in (shape, (batch, *shape)):
        found = f"{mask.dtype} of shape {tuple(mask.shape)}" if isinstance(mask, Tensor) else repr(mask)
        raise FiberscopeError(f"frozen: expected a boolean mask of shape {shape} or {(batch, *shape)}, found {found}.")
    return mask
