"""Cutting a torch module at one of its layers, or at several."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from difflib import get_close_matches
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn

from fiberscope.problem.errors import FiberscopeError, ModelError

LayerName = str | int | nn.Module
"""A layer by its name in ``named_modules()``, by its number in an ``nn.Sequential``, or the module itself."""


class CutModule(nn.Module):
    """The part of a module up to a named layer, or up to the last of several: nothing after it runs.

    An output of several axes, such as channels of a convolution or tokens, becomes one row of numbers an image, and
    the rows of several layers are joined in the order given. Raises `FiberscopeError` for an unknown layer, with the
    names that come close.
    """

    def __init__(self, module: nn.Module, layer: LayerName | Sequence[LayerName]) -> None:
        super().__init__()
        found = _find_all(module, layer)
        self.module = module
        self.layers = dict(found)
        self.layer_name = ", ".join(self.layers)
        self.is_first: bool | None = None  # whether nothing comes before the layer; the first pass finds out
        self.training = module.training  # not train(): that would reach into the module

    @property
    def layer(self) -> nn.Module:
        """The layer, of several the first."""
        return next(iter(self.layers.values()))

    def forward(self, images: Tensor) -> Tensor:
        """Latents of the images at the layer."""
        if len(self.layers) > 1:
            return self._joined(images)
        output = self.output(images)
        if not isinstance(output, Tensor):
            raise ModelError(
                f"layer: {self.layer_name!r} gives {_told(output)}, not one tensor. Name the layer that takes its "
                "output, or in Python a part of it: select=lambda output: output[0]."
            )
        return as_rows(output)

    def output(self, images: Tensor) -> Any:
        """The output of the only layer as it is, with all of its axes."""
        if self.is_first:
            return self.layer(images)
        reached = self._reach(images)
        (output,) = reached.outputs.values()
        if self.is_first is None:
            # Then the layer runs alone from the next pass on: half of a small network's time goes into being stopped.
            self.is_first = reached.untouched and _same(self.layer(images.clone()), output)
        return output

    def _joined(self, images: Tensor) -> Tensor:
        outputs = self._reach(images).outputs
        for name in self.layers:
            if not isinstance(outputs[name], Tensor) or outputs[name].shape[:1] != images.shape[:1]:
                raise ModelError(
                    f"layer: {name!r} gives {_told(outputs[name])}, not a tensor with a row for each of {len(images)} "
                    "images, so its numbers cannot be joined to others. Leave it out."
                )
        return torch.cat([as_rows(outputs[name]) for name in self.layers], dim=1)

    def _reach(self, images: Tensor) -> _Reached:
        """Run the module until every layer has run."""
        reached = _Reached(self.layers, images)
        with ExitStack() as stack:
            for name, layer in self.layers.items():
                stack.callback(_hook(layer, name, reached).remove)
            try:
                self.module(images)
            except _Stop:
                pass
            except Exception:
                if not reached.is_complete:
                    raise
        if not reached.is_complete:
            missing = next(name for name in self.layers if name not in reached.outputs)
            raise ModelError(
                f"layer: {missing!r} never ran in a forward pass of {type(self.module).__name__}. "
                "Name a layer that its forward calls."
            )
        return reached

    def count_uses(self, images: Tensor) -> dict[str, int]:
        """How often one whole forward pass runs each layer; what follows may fail, as on images of another size."""
        uses = dict.fromkeys(self.layers, 0)

        def note(name: str) -> Any:
            def count(*_: object) -> None:
                uses[name] += 1

            return count

        handles = [layer.register_forward_hook(note(name)) for name, layer in self.layers.items()]
        with torch.no_grad(), suppress(Exception):
            self.module(images.clone())
        for handle in handles:
            handle.remove()
        return uses


class _Stop(BaseException):
    # Nothing went wrong: it ends the forward pass. No Exception, which a `try` in the user's forward might swallow.
    pass


class _Reached:
    """What the layers have given so far in a pass of one thread."""

    def __init__(self, layers: dict[str, nn.Module], images: Tensor) -> None:
        self.outputs: dict[str, Any] = {}
        self.untouched = False
        self.thread, self.images, self.count = get_ident(), images, len(layers)
        self.version = _version(images)

    @property
    def is_complete(self) -> bool:
        return len(self.outputs) == self.count

    def keep(self, name: str, inputs: tuple[object, ...], options: object, output: object) -> None:
        """Keep what a layer gave, and end the pass when it was the last."""
        if name not in self.outputs:
            alone = len(inputs) == 1 and inputs[0] is self.images and not options
            self.untouched = alone and _version(self.images) == self.version
            # What runs on after this layer may overwrite its output.
            going_on = self.count > 1 and isinstance(output, Tensor)
            self.outputs[name] = output.clone() if going_on and isinstance(output, Tensor) else output
        if self.is_complete:
            raise _Stop


def _hook(layer: nn.Module, name: str, reached: _Reached) -> Any:
    def stop(_module: nn.Module, inputs: tuple[object, ...], *others: Any) -> None:
        # The module is shared: a whole forward pass of another thread must not end here. While the hook is being
        # registered such a pass may also call it without the options.
        if get_ident() == reached.thread:
            options, output = others
            reached.keep(name, inputs, options, output)

    try:
        return layer.register_forward_hook(stop, with_kwargs=True)
    except RuntimeError as error:
        raise ModelError(
            f"layer: {name!r} is inside a TorchScript module, which cannot be stopped at a layer. Take the network as "
            "it was before torch.jit.script or torch.jit.trace, or explore its whole output."
        ) from error


def as_rows(output: Tensor) -> Tensor:
    """The output with one row of numbers an image: channels or tokens are flattened, shape (batch,) is m = 1."""
    if output.ndim in (0, 2):
        return output
    return output[:, None] if output.ndim == 1 else output.flatten(1)


def _version(images: Tensor) -> int:
    return 0 if images.is_inference() else images._version  # a tensor of inference mode keeps no count of its writes


def _same(found: object, wanted: object) -> bool:
    if not isinstance(found, Tensor) or not isinstance(wanted, Tensor):
        return False
    return found.dtype == wanted.dtype and torch.equal(found, wanted)


def _told(output: object) -> str:
    return f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"


def _find_all(module: nn.Module, layer: LayerName | Sequence[LayerName]) -> list[tuple[str, nn.Module]]:
    if not isinstance(module, nn.Module):
        raise FiberscopeError(
            f"module: expected a torch.nn.Module to cut at a layer, found {type(module).__name__}. For a function "
            "that gives latents itself use LatentMap(function, input_shape)."
        )
    several = not isinstance(layer, LayerName) and isinstance(layer, Sequence)
    wanted = list(layer) if several and isinstance(layer, Sequence) else [layer]
    found = [_find(module, each) for each in wanted]
    if not found or len({each for _, each in found}) < len(found):
        raise FiberscopeError(f"layer: expected at least one layer, each named once, found {layer!r}.")
    return found


def _find(module: nn.Module, layer: object) -> tuple[str, nn.Module]:
    layers: dict[str, nn.Module] = {name: each for name, each in module.named_modules() if name}
    if isinstance(layer, nn.Module):
        name = next((name for name, each in layers.items() if each is layer), None)
        if name is None:
            raise FiberscopeError(
                f"layer: this {type(layer).__name__} is no layer of {type(module).__name__}. {_names(layers)}"
            )
        return name, layer
    if isinstance(layer, bool) or not isinstance(layer, str | int):
        raise FiberscopeError(
            f"layer: expected the name of a layer, its number, the module itself, or a list of these, found "
            f"{type(layer).__name__}. {_names(layers)}"
        )
    name = str(layer)
    if name in layers:
        return name, layers[name]
    with suppress(AttributeError):
        if name:
            return name, module.get_submodule(name)  # a second name of a layer, which torch does not list
    close = get_close_matches(name, layers, n=5, cutoff=0.4)
    hint = f"Close names: {', '.join(close)}." if close else _names(layers)
    raise FiberscopeError(f"layer: {type(module).__name__} has no layer {layer!r}. {hint}")


def _names(layers: dict[str, nn.Module]) -> str:
    return f"Its layers: {', '.join(list(layers)[:20])}." if layers else "It has no layers of its own."
