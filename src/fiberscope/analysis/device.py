"""Devices of this machine."""

from __future__ import annotations

import torch

from fiberscope.problem import FiberscopeError


def find_device(name: str) -> torch.device:
    """The device of that name; raises FiberscopeError that lists those of this machine where it is not one."""
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    here = _devices_here()
    # Without a number, the first of its kind is meant.
    if device is None or str(device if device.index is not None else torch.device(device.type)) not in here:
        raise FiberscopeError(f"device: {name!r} is not on this machine. Choose one of: {', '.join(here)}.")
    return device


def _devices_here() -> tuple[str, ...]:
    cuda = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return ("cpu", *(["cuda"] if cuda else []), *cuda, *mps)
