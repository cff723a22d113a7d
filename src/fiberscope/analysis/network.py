"""The network that a user named, cut at its layer and ready to explore."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import torch
from torch import nn

from fiberscope import models
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.problem import FiberscopeError, LatentMap

_LATENT_LAYER = "encoder"  # of the networks that ship or train here


class Network(NamedTuple):
    """The whole module, its latent map, the layer at which that ends, and the SHA-256 of the weights where known."""

    module: nn.Module
    latent_map: LatentMap
    layer: str
    weights_sha256: str | None


def open_network(choice: NetworkChoice) -> Network:
    """Load the network, move it to its device and dtype, and cut it at its layer.

    Raises ModelError or FiberscopeError that says which of the choices cannot be met.
    """
    device, dtype = find_device(choice.device), getattr(torch, choice.dtype)
    module = models.resolve(choice.model, choice.weights).to(device=device, dtype=dtype)
    layer = choice.layer or (_LATENT_LAYER if isinstance(module, models.Network) else None)
    if layer is None:
        latent_map = LatentMap(module, choice.input_shape, dtype=dtype, device=device)
    else:
        latent_map = LatentMap.at_layer(module, layer, input_shape=choice.input_shape)
    return Network(module, latent_map, layer or "output", _sha256(choice))


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


def _sha256(choice: NetworkChoice) -> str | None:
    if choice.weights is not None:
        return hashlib.sha256(choice.weights.read_bytes()).hexdigest()
    own = ".py:" in choice.model  # its weights are those that its factory gave it
    return None if own else models.card(choice.model).sha256
