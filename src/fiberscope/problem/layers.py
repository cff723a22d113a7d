"""Cutting a torch module at one of its layers."""

from __future__ import annotations

from contextlib import suppress
from difflib import get_close_matches
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn

from fiberscope.problem.errors import FiberscopeError, ModelError


class CutModule(nn.Module):
    """The part of a module up to a named layer: its output is that layer's, and nothing after it runs.

    An output of several axes, such as channels of a convolution or tokens, becomes one row of numbers an image. The
    layer's name is as in ``module.named_modules()``. Raises `FiberscopeError` for an unknown layer, with the names that
    come close.
    """

    def __init__(self, module: nn.Module, layer: str) -> None:
        super().__init__()
        self.module = module
        self.layer = _find(module, layer)
        self.layer_name = layer
        self.is_first: bool | None = None  # whether nothing comes before the layer; the first pass finds out
        self.training = module.training  # not train(): that would reach into the module

    def forward(self, images: Tensor) -> Tensor:
        """Latents of the images at the layer."""
        if self.is_first:
            return _as_rows(self.layer(images))
        reached = self._reach(images)
        if self.is_first is None:
            # Then the layer runs alone from the next pass on: half of a small network's time goes into being stopped.
            self.is_first = reached.untouched and _same(self.layer(images), reached.output)
        return _as_rows(reached.output)

    def _reach(self, images: Tensor) -> _Reached:
        """Run the module until the layer has run."""
        thread, version = get_ident(), images._version

        def stop(_module: nn.Module, inputs: tuple[object, ...], *others: Any) -> None:
            # The module is shared: a whole forward pass of another thread must not end here. While the hook is being
            # registered such a pass may also call it without the options.
            if get_ident() == thread:
                options, output = others
                alone = len(inputs) == 1 and inputs[0] is images and not options
                raise _Reached(output, untouched=alone and images._version == version)

        handle = self.layer.register_forward_hook(stop, with_kwargs=True)
        try:
            self.module(images)
        except _Reached as reached:
            return reached
        finally:
            handle.remove()
        raise ModelError(
            f"layer: {self.layer_name!r} never ran in a forward pass of {type(self.module).__name__}. "
            "Name a layer that its forward calls."
        )

    def count_uses(self, images: Tensor) -> int:
        """How often one whole forward pass runs the layer; what follows it may fail, as on images of another size."""
        uses: list[int] = []
        handle = self.layer.register_forward_hook(lambda *_: uses.append(1))
        with torch.no_grad(), suppress(Exception):
            self.module(images)
        handle.remove()
        return len(uses)


class _Reached(Exception):
    # Nothing went wrong: it carries the latents out of the forward pass, and says whether the layer got the images as
    # they are.
    def __init__(self, output: Tensor, *, untouched: bool) -> None:
        super().__init__("layer reached")
        self.output = output
        self.untouched = untouched


def _as_rows(output: Tensor) -> Tensor:
    return output.flatten(1) if isinstance(output, Tensor) and output.ndim > 2 else output


def _same(found: object, wanted: Tensor) -> bool:
    return isinstance(found, Tensor) and found.dtype == wanted.dtype and torch.equal(found, wanted)


def _find(module: nn.Module, layer: str) -> nn.Module:
    layers: dict[str, nn.Module] = dict(module.named_modules())
    if layer and layer in layers:
        return layers[layer]
    names = [name for name in layers if name]
    close = get_close_matches(layer, names, n=5, cutoff=0.4)
    hint = f"Close names: {', '.join(close)}." if close else f"Its layers: {', '.join(names[:20])}."
    raise FiberscopeError(f"layer: {type(module).__name__} has no layer {layer!r}. {hint}")
