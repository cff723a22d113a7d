"""Convolutional judges of ink, as it is and upright, trained on digits with everything that people look past."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from fiberscope.judges.ink import ink, upright
from fiberscope.judges.nuisances import inked_nuisances

_BATCH = 128
_PEAK = 2e-3
_WARM_UP = 0.1  # fraction of the run in which the learning rate rises


class Strokes(nn.Module):
    """Three layers of 3 x 3 convolutions and two linear ones, on ink."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = _layers()

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logits of the ten digits."""
        return self.read(ink(images))

    def read(self, inked: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logits for images that are ink already."""
        logits: Tensor = self.layers(inked)
        return logits


class Upright(nn.Module):
    """The same layers on ink without slant: what is left to learn is another task, with other errors."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = _layers()

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logits of the ten digits."""
        return self.read(ink(images))

    def read(self, inked: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logits for images that are ink already."""
        logits: Tensor = self.layers(upright(inked))
        return logits


Reader = TypeVar("Reader", Strokes, Upright)


def fit_reader(
    reader: type[Reader],
    images: Float[Tensor, "digit 1 28 28"],
    labels: Int64[Tensor, " digit"],
    *,
    epochs: int,
    seed: int,
    on_step: Callable[[int, int], None],
) -> Reader:
    """Train by AdamW on inked nuisances, with a warm-up and a cosine for the learning rate.

    References:
        Loshchilov and Hutter (2019), Decoupled weight decay regularization.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):  # first weights and dropout come from the global generator
        torch.manual_seed(seed)
        judge = reader()
        optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.02)
        batches = [rows for _ in range(epochs) for rows in _shuffled(len(labels), generator)]
        for step, rows in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = _PEAK * _schedule(step / len(batches))
            logits = judge.read(inked_nuisances(images[rows], generator))
            loss = functional.cross_entropy(logits, labels[rows], label_smoothing=0.02)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            on_step(step + 1, len(batches))
    return judge.eval().requires_grad_(requires_grad=False)


def _layers(width: int = 24) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.SiLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1),
        nn.SiLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(2 * width, 3 * width, 3),
        nn.SiLU(),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(25 * 3 * width, 128),
        nn.SiLU(),
        nn.Linear(128, 10),
    )


def _shuffled(count: int, generator: torch.Generator) -> list[Int64[Tensor, " batch"]]:
    whole = count - count % _BATCH if count > _BATCH else count
    return list(torch.split(torch.randperm(count, generator=generator)[:whole], _BATCH))


def _schedule(done: float) -> float:
    return min(1.0, done / _WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * done))
