"""Which layers a network has, and which of them can be a latent."""

from __future__ import annotations

import torch

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.device import find_device
from fiberscope.analysis.finding import Finding
from fiberscope.analysis.network import open_module
from fiberscope.models import DYNAMIC_BATCH, Chunked, Preprocessing
from fiberscope.problem.layer_list import Layer, list_layers

_COLUMNS = ("layer", "kind", "output of one image", "m", "runs", "can be a latent")
_WRAPPED = "network."  # what is put around a network holds it under that name


def run_layers(network: NetworkChoice) -> Finding:
    """A row for each layer in the order in which they run; raises FiberscopeError for a network that is not opened."""
    module, opened, shape = open_module(network)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((2, *shape), generator=generator).to(find_device(network.device), getattr(torch, network.dtype))
    layers = list_layers(module, images)
    pixels = images[0].numel()
    able = sum(layer.trouble is None for layer in layers)
    facts = f"Images {_shape(shape)}, n = {pixels}; {_describe(opened.preprocessing)}; weights: {opened.weights}."
    if any(isinstance(each, Chunked) for each in module.modules()):
        return _whole_output_alone(layers, facts)
    return Finding(
        columns=_COLUMNS,
        rows=tuple(_row(layer, pixels) for layer in layers if layer.name not in ("network", "network.network")),
        summary=f"{able} of {len(layers)} layers can be a latent, by --layer NAME. {facts}",
        advice=(),
        files=(),
        num_good=able,
    )


def _whole_output_alone(layers: tuple[Layer, ...], facts: str) -> Finding:
    """A network in chunks: its layers run on parts of a batch, so that only the output is of all images."""
    whole = layers[-1]
    return Finding(
        columns=_COLUMNS,
        rows=(("output", whole.kind, _shape(whole.shape), str(whole.size), "1", "yes"),),
        summary=f"Exported for one size of batch, so the whole output alone can be a latent. {facts}",
        advice=(f"For its layers, export it again with a batch of any size: {DYNAMIC_BATCH}",),
        files=(),
        num_good=1,
    )


def _row(layer: Layer, pixels: int) -> tuple[str, ...]:
    verdict = f"no: {layer.trouble}" if layer.trouble else "yes"
    if verdict == "yes" and layer.size >= pixels:
        verdict = "yes, but m >= n: nothing has to be invisible"
    name = layer.name
    while name.startswith(_WRAPPED):
        name = name.removeprefix(_WRAPPED)
    return (name, layer.kind, _shape(layer.shape), str(layer.size), str(layer.uses), verdict)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "-"


def _describe(found: Preprocessing) -> str:
    if found.changes_nothing:
        return "pixels in [0, 1] reach the network as they are"
    parts = [f"resized to {_shape(found.size)}"] if found.size else []
    parts += [f"channels {found.channels}"] if found.channels != "same" else []
    numbers = [" ".join(f"{value:g}" for value in values) for values in (found.mean, found.std)]
    return ", ".join([*parts, f"({found.scale:g} pixel - mean {numbers[0]}) / std {numbers[1]}"])
