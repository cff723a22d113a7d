"""Building a network without its numbers, to know its size before memory is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks

from fiberscope.problem.errors import ModelError

_MOST_MODULES = 8_000  # the largest image models of timm and transformers have some 3,000
_Built = TypeVar("_Built", bound=nn.Module)


def build_empty(build: Callable[[], _Built], *, most_numbers: int, source: str) -> _Built:
    """Returns the network on torch's meta device, which keeps shapes alone.

    Raises ModelError that names the ``source`` of its sizes as soon as it has more numbers than ``most_numbers``, more
    modules than any image model, or cannot be built.
    """
    try:
        with torch.device("meta"), _counted(most_numbers, source):
            return build()
    except ModelError:
        raise
    except Exception as error:  # whatever odd sizes raise in somebody else's code
        raise ModelError(
            f"{source} describes a network that cannot be built ({type(error).__name__}: {_first_line(error)}). Fetch "
            "it again, or give the network itself as file.py:factory"
        ) from error


@contextmanager
def _counted(most_numbers: int, source: str) -> Iterator[None]:
    here, numbers, modules = threading.get_ident(), 0, 0

    def count_numbers(_: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal numbers
        numbers += 0 if tensor is None or threading.get_ident() != here else tensor.numel()
        if numbers > most_numbers:
            raise ModelError(
                f"{source} describes a network of more than {most_numbers:,} numbers ({name} alone has "
                f"{0 if tensor is None else tensor.numel():,}), which its weights are not. Fetch it again"
            )

    def count_modules(*_: Any) -> None:
        nonlocal modules
        modules += threading.get_ident() == here
        if modules > _MOST_MODULES:
            raise ModelError(f"{source} describes a network of more than {_MOST_MODULES:,} modules. Fetch it again")

    handles = [
        hooks.register_module_parameter_registration_hook(count_numbers),
        hooks.register_module_buffer_registration_hook(count_numbers),
        hooks.register_module_module_registration_hook(count_modules),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "no words")
