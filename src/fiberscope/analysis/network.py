"""The network that a user named, cut at its layer and ready to explore."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from fiberscope import models
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.device import find_device
from fiberscope.models import Direction, Opened, Preprocessing
from fiberscope.models.chunks import DYNAMIC_BATCH, Chunked
from fiberscope.models.fetched import FETCHED
from fiberscope.problem import FiberscopeError, LatentMap, ModelError
from fiberscope.problem.layers import CutModule

_LATENT_LAYER = "encoder"  # of the networks that ship or train here


class Network(NamedTuple):
    """The whole module, its latent map, the layer at which that ends, and the SHA-256 of the weights where known.

    ``module`` takes images as they are; ``preprocessing`` is part of it, and of the latent map.
    """

    module: nn.Module
    latent_map: LatentMap
    layer: str
    weights_sha256: str | None
    weights: str
    preprocessing: Preprocessing


def open_network(choice: NetworkChoice) -> Network:
    """Load the network, move it to its device and dtype, put its preprocessing before it, and cut it at its layer.

    Raises ModelError or FiberscopeError that says which of the choices cannot be met.
    """
    module, opened, shape = open_module(choice)
    layer = choice.layer or (_LATENT_LAYER if isinstance(opened.module, models.Network) else None)
    latents = module if layer is None else CutModule(module, full_names(module, layer))
    if choice.normalise_latent:
        latents = Direction(latents)
    latent_map = LatentMap(
        latents,
        shape,
        dtype=getattr(torch, choice.dtype),
        device=find_device(choice.device),
        surrogate_gradient=choice.surrogate_gradient,
    )
    return Network(module, latent_map, layer or "output", _sha256(choice), opened.weights, opened.preprocessing)


def open_module(choice: NetworkChoice) -> tuple[nn.Module, Opened, tuple[int, ...]]:
    """The whole network behind its preprocessing, how it was opened, and the shape of the images that it takes."""
    device, dtype = find_device(choice.device), getattr(torch, choice.dtype)
    opened = models.open_model(choice.model, choice.weights)
    shape = choice.input_shape or opened.input_shape
    if shape is None:
        raise FiberscopeError(
            f"input_shape: {choice.model} does not say which images it takes. Give their shape, such as --input-shape "
            "3 224 224, for vectors of 12 numbers --input-shape 12."
        )
    preprocessing = _preprocessing(choice, opened.preprocessing)
    _refuse_other_channels(choice, opened, preprocessing.prepared_shape(shape))
    module = models.prepare(opened.module, preprocessing, shape).to(device=device, dtype=dtype)
    return module, opened._replace(preprocessing=preprocessing), shape


def full_names(module: nn.Module, layers: str) -> list[str]:
    """The names of one layer, or of several with commas between, within what was put around the network."""
    return [full_name(module, layer.strip()) for layer in layers.split(",")]


def full_name(module: nn.Module, layer: str) -> str:
    """The name of a layer within what was put around the network."""
    if any(isinstance(each, Chunked) for each in module.modules()):
        raise ModelError(
            f"layer: {layer!r} cannot be taken from a network that was exported for one size of batch. Export it again "
            f"with a batch of any size: {DYNAMIC_BATCH}"
        )
    inner = [f"{prefix}{layer}" for prefix in ("", "network.", "network.network.")]
    return next((name for name in inner if _has_layer(module, name)), layer)


def _has_layer(module: nn.Module, name: str) -> bool:
    try:
        module.get_submodule(name)
    except AttributeError:
        return False
    return True


def _preprocessing(choice: NetworkChoice, own: Preprocessing) -> Preprocessing:
    """What the user chose, and where nothing was chosen what the network wants."""
    return Preprocessing(
        mean=own.mean if choice.mean is None else choice.mean,
        std=own.std if choice.std is None else choice.std,
        scale=own.scale if choice.scale is None else choice.scale,
        size=own.size if choice.resize is None else choice.resize,
        channels=own.channels if choice.channels is None else choice.channels,
    )


def _refuse_other_channels(choice: NetworkChoice, opened: Opened, found: tuple[int, ...]) -> None:
    wanted = opened.input_shape
    if wanted is None or choice.input_shape is None or ".py:" in choice.model:
        return
    if len(wanted) == len(found) == 3 and {wanted[0], found[0]} == {1, 3}:
        way = "rgb" if wanted[0] == 3 else "grey"
        raise FiberscopeError(
            f"input_shape: images {choice.input_shape} have {found[0]} channels, {choice.model} takes {wanted[0]}. Say "
            f"how one becomes the other: --channels {way}."
        )


def _sha256(choice: NetworkChoice) -> str | None:
    if choice.weights is not None:
        return hashlib.sha256(choice.weights.read_bytes()).hexdigest() if choice.weights.is_file() else None
    path = Path(choice.model.partition(".onnx:")[0] + ".onnx" if ".onnx:" in choice.model else choice.model)
    if path.suffix in (".onnx", ".pt2"):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    # Weights of a factory are those that it gave, weights from a package those of its checksum.
    other = ":" in choice.model or choice.model in FETCHED
    return None if other else models.card(choice.model).sha256
