"""Networks as factories return them: out of what trainers put around them, and with values in every layer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from fiberscope.problem.errors import ModelError

# by name, since torch.compile takes seconds to import
_WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}
_ENOUGH = 4  # names in a message


def plain_network(found: object, origin: str) -> nn.Module:
    """The module that a factory returned, without the wrappers of torch.compile and of training on several devices.

    Raises ModelError, which begins with `origin`, where it is no module or has layers without a shape.
    """
    if not isinstance(found, nn.Module):
        raise ModelError(f"{origin} returned {_kind(found)}, wanted torch.nn.Module; {_remedy(found)}")
    network = _unwrapped(found)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if _unwrapped(child) is not child:
                setattr(module, name, _unwrapped(child))
        if getattr(module, "_compiled_call_impl", None) is not None:
            module._compiled_call_impl = None
    lazy = [name for name, tensor in _tensors(network) if is_lazy(tensor)]
    if lazy:
        raise ModelError(
            f"{origin} returned layers whose shapes are open until a first pass ({', '.join(lazy[:_ENOUGH])}); let the "
            "factory run one before it returns: network(torch.zeros(1, 3, 224, 224)), in the shape of your images"
        )
    return network


def refuse_without_values(network: nn.Module, origin: str) -> None:
    """Raises ModelError where tensors of the network are on the meta device, which keeps shapes alone."""
    empty = [name for name, tensor in _tensors(network) if tensor.is_meta]
    if empty:
        raise ModelError(
            f"{origin} returned a network on the meta device, without values ({', '.join(empty[:_ENOUGH])}); build it "
            "on the CPU, and give its weights by --weights FILE"
        )


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from network.named_parameters()
    yield from network.named_buffers()


def _unwrapped(module: nn.Module) -> nn.Module:
    kind = type(module)
    inner = getattr(module, _WRAPPERS.get(kind.__name__, ""), None) if kind.__module__.startswith("torch.") else None
    return _unwrapped(inner) if isinstance(inner, nn.Module) else module


def _kind(found: object) -> str:
    if isinstance(found, type):
        return f"the class {found.__name__}"
    if inspect.iscoroutine(found):
        found.close()
        return "a coroutine"
    return "nothing" if found is None else type(found).__name__


def _remedy(found: object) -> str:
    if isinstance(found, type):
        return f"return an instance: {found.__name__}()"
    if inspect.iscoroutine(found):
        return "write it without async"
    if isinstance(found, torch.export.ExportedProgram):
        return "return torch.export.unflatten(program)"
    if inspect.isroutine(found) or isinstance(found, torch.jit.ScriptFunction):
        return "make a module of the function, which calls it in its forward"
    if isinstance(found, tuple | list | dict):
        return "return the network alone"
    return "return the network"
