"""The caller's modes of torch, switched off for what must not depend on them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

_DEVICES = ("cpu", "cuda", "mps", "xpu")

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def undisturbed(function: Callable[P, R]) -> Callable[P, R]:
    """Runs a function outside the caller's inference mode and autocast, so that its answer is the same in them.

    Under inference mode nothing can be differentiated, and autocast computes in three digits what should have seven.
    Tensors that were made in inference mode are copied; gradients stay on or off, as the caller has them.
    """

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _is_disturbed() and not any(map(_is_inference, (*args, *kwargs.values()))):
            return function(*args, **kwargs)
        with ordinary_mode():
            some = [ordinary(value) for value in args]
            named = {name: ordinary(value) for name, value in kwargs.items()}
            return function(*some, **named)  # type: ignore[arg-type]

    return inside


@contextmanager
def ordinary_mode() -> Iterator[None]:
    """Runs a block outside inference mode and autocast."""
    with ExitStack() as stack:
        grad = torch.is_grad_enabled()
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.set_grad_enabled(grad))  # leaving inference mode would switch gradients on
        for device in filter(torch.is_autocast_enabled, _DEVICES):
            stack.enter_context(torch.autocast(device, enabled=False))
        yield


def ordinary(value: T) -> T:
    """The value, copied where it is a tensor of inference mode, of which no graph can be made."""
    return value.clone() if isinstance(value, Tensor) and value.is_inference() else value  # type: ignore[return-value]


def _is_disturbed() -> bool:
    return torch.is_inference_mode_enabled() or any(map(torch.is_autocast_enabled, _DEVICES))


def _is_inference(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_inference()
