"""Networks and digits that all contestants share: the shipped ReLU classifier and a GELU twin, latents and logits."""

from __future__ import annotations

import sys
from typing import NamedTuple

import safetensors.torch
import torch
from benchmarks.speed.machine import ROOT
from torch import Tensor, nn

import fiberscope as fs

sys.path.insert(0, str(ROOT / "tests"))

from networks import pairs

SHAPE = (1, 28, 28)
NAMES = ("ReLU, latent", "ReLU, logits", "GELU, latent", "GELU, logits")
_TWIN = ROOT / ".venv-bench" / "networks" / "gelu.safetensors"
_EPOCHS = 3


class Network(NamedTuple):
    """A network by its name: the module for the peers, the latent map around the same module for fiberscope."""

    name: str
    module: nn.Module
    latent_map: fs.LatentMap


class Pairs(NamedTuple):
    """Digits to start from, digits of other classes whose latents are aimed at, and these latents."""

    starts: Tensor
    others: Tensor
    latents: Tensor


def load(name: str) -> Network:
    kind, output = name.split(", ")
    classifier = fs.models.load("mnist-classifier") if kind == "ReLU" else gelu_twin()
    module = classifier.encoder if output == "latent" else classifier
    return Network(name, module, fs.LatentMap(module, SHAPE))


def digits() -> Tensor:
    """The 10,000 test digits."""
    return fs.data.mnist("test").images


def pairs_of_digits(network: Network, count: int) -> Pairs:
    """The first so many of one fixed series of 256 pairs."""
    sources, targets = pairs(256, seed=0)
    images = digits()
    with torch.no_grad():
        return Pairs(images[sources[:count]], images[targets[:count]], network.module(images[targets[:count]]))


def gelu_twin() -> fs.models.Classifier:
    """The shipped architecture with GELU, trained for seconds on the test digits, once for all processes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        twin = fs.models.Classifier(activation="gelu")
    if not _TWIN.is_file():
        _train(twin)
        _TWIN.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(twin.state_dict(), _TWIN)
    twin.load_state_dict(safetensors.torch.load_file(_TWIN))
    return twin.eval().requires_grad_(False)


def _train(twin: nn.Module) -> None:
    shown = fs.data.mnist("test")
    optimiser = torch.optim.AdamW(twin.parameters(), lr=2e-3)
    shuffle = torch.Generator().manual_seed(0)
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(shown.labels), generator=shuffle).split(100):
            loss = nn.functional.cross_entropy(twin(shown.images[batch]), shown.labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
