"""The layers of a module in the order in which they run, with what each gives for one image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fiberscope.problem.errors import ModelError


class Layer(NamedTuple):
    """A layer by the name that cuts there; ``size`` is the number m of its latents.

    ``shape`` is that of its output for one image, empty where it is no tensor; ``trouble`` says why it cannot be a
    latent, None where it can.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    size: int
    uses: int
    trouble: str | None


class _Seen(NamedTuple):
    output: object
    uses: int


def list_layers(module: nn.Module, images: Tensor) -> tuple[Layer, ...]:
    """Every layer that one forward pass of these images runs, in the order in which they end.

    Two passes tell layers of chance. Raises `ModelError` where a pass fails.
    """
    first, second = _run(module, images), _run(module, images)
    names = {layer: name for name, layer in module.named_modules() if name}
    return tuple(
        _describe(names[layer], layer, seen, second.get(layer), len(images))
        for layer, seen in first.items()
        if layer in names
    )


def _describe(name: str, layer: nn.Module, seen: _Seen, again: _Seen | None, batch: int) -> Layer:
    output, kind = seen.output, type(layer).__name__
    if not isinstance(output, Tensor):
        return Layer(name, kind, (), 0, seen.uses, f"gives a {type(output).__name__}, no tensor")
    shape = tuple(output.shape[1:])
    trouble = None
    if output.ndim < 2 or len(output) != batch:
        shape, trouble = tuple(output.shape), "gives no row for each image"
    elif not output.is_floating_point():
        trouble = f"gives {str(output.dtype).removeprefix('torch.')}, no floats"
    elif seen.uses > 1:
        trouble = "runs more than once"
    elif again is None or not isinstance(again.output, Tensor) or not torch.equal(output, again.output):
        trouble = "gives other numbers each time: chance"
    return Layer(name, kind, shape, output[0].numel() if output.ndim and len(output) else 0, seen.uses, trouble)


def _run(module: nn.Module, images: Tensor) -> dict[nn.Module, _Seen]:
    found: dict[nn.Module, _Seen] = {}

    def note(layer: nn.Module, _inputs: object, output: object) -> None:
        uses = found.pop(layer).uses if layer in found else 0
        found[layer] = _Seen(output, uses + 1)

    with torch.no_grad(), _hooked(module, note):
        try:
            module(images.clone())
        except Exception as error:
            raise ModelError(
                f"model: a forward pass on images {tuple(images.shape)} of {images.dtype} failed with "
                f"{type(error).__name__}: {error}. Check input_shape: the shape of one image, without the batch."
            ) from error
    return found


@contextmanager
def _hooked(module: nn.Module, note: Callable[[nn.Module, object, object], None]) -> Iterator[None]:
    handles = [layer.register_forward_hook(note) for layer in module.modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
