"""Training any of our networks so that a kill costs one epoch and the weights do not depend on it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, runtime_checkable

import safetensors.torch
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from fiberscope.models.architectures import Kind, build
from fiberscope.models.cards import ModelCard, write_card
from fiberscope.models.checkpoint import RunIdentity, load_checkpoint, save_checkpoint
from fiberscope.models.training_config import TrainingConfig
from fiberscope.problem.errors import FiberscopeError
from fiberscope.whole_file import write_whole

REPRODUCIBILITY = (
    "The command gives the same bits again on the same machine with the same torch and number of threads; "
    "elsewhere the bits may differ, and the quality slightly."
)
_WARM_UP = 0.2  # fraction of the run in which the learning rate rises


@runtime_checkable
class Labelled(Protocol):
    """Images in [0, 1] with their classes and the name of the set, as fiberscope.data reads them."""

    @property
    def images(self) -> Float[Tensor, "image 1 28 28"]: ...  # noqa: D102
    @property
    def labels(self) -> Int64[Tensor, " image"]: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102


class Progress(NamedTuple):
    """Where a run stands; `epoch` and `step` count from 1, and `quality` is known when an epoch ends."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    quality: Mapping[str, float] | None


class Batch(NamedTuple):
    """What one step of training sees; `done` is the fraction of the run that lies behind it."""

    images: Float[Tensor, "batch 1 28 28"]
    labels: Int64[Tensor, " batch"]
    done: float
    generator: torch.Generator


@dataclass(frozen=True)
class Training(Generic[Kind]):
    """A kind of training: which network, what a step makes small, and how the result is judged on the test set."""

    network: type[Kind]
    config: TrainingConfig
    loss: Callable[[Kind, Batch], Float[Tensor, ""]]
    quality: Callable[[Kind, Labelled], Mapping[str, float]]


def run_training(
    training: Training[Kind],
    train: Labelled,
    test: Labelled,
    *,
    out: Path,
    name: str,
    force: bool,
    on_progress: Callable[[Progress], None],
) -> ModelCard:
    """Train by AdamW on randomly shifted images, and write weights and card into `out`.

    After each epoch a checkpoint stands in `out`; the same call after a kill continues from it and ends with
    the weights of an undisturbed run.

    Raises FiberscopeError when a finished model would be overwritten without `force`, or when the checkpoint
    is of a run with another configuration or other data.

    References:
        Loshchilov and Hutter (2019), Decoupled weight decay regularization.
        Smith and Topin (2019), Super-convergence: very fast training using large learning rates.
    """
    card_path = out / f"{name}.json"
    if card_path.exists() and not force:
        raise FiberscopeError(f"{card_path} is a finished model; pass force (--force) to replace it, or another name")
    config = training.config
    network = build(training.network, config)
    optimizer = AdamW(network.parameters(), weight_decay=config.weight_decay)
    identity = RunIdentity(training.network.__name__, config, _describe(train), _describe(test))
    checkpoint = out / f"{name}.checkpoint.safetensors"
    epochs_done = 0
    if checkpoint.exists():
        epochs_done = load_checkpoint(checkpoint, network=network, optimizer=optimizer, identity=identity)
    for epoch in range(epochs_done, config.epochs):
        last = _train_epoch(training, network, optimizer, train, epoch=epoch, on_progress=on_progress)
        save_checkpoint(checkpoint, network=network, optimizer=optimizer, epochs_done=epoch + 1, identity=identity)
        on_progress(last._replace(quality=training.quality(network, test)))
    card = _finish(network, identity=identity, quality=training.quality(network, test), out=out, name=name)
    checkpoint.unlink(missing_ok=True)
    return card


def _train_epoch(
    training: Training[Kind],
    network: Kind,
    optimizer: Optimizer,
    train: Labelled,
    *,
    epoch: int,
    on_progress: Callable[[Progress], None],
) -> Progress:
    config = training.config
    # a generator of its own for each epoch: a resumed run needs no state of the epochs before
    generator = torch.Generator().manual_seed((config.seed << 20) + epoch)
    steps = torch.split(torch.randperm(len(train.labels), generator=generator), config.batch_size)
    for step, rows in enumerate(steps):
        done = (epoch + step / len(steps)) / config.epochs
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _schedule(done)
        images = _shift(train.images[rows], max_shift=config.max_shift, generator=generator)
        loss = training.loss(network, Batch(images, train.labels[rows], done, generator))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        progress = Progress(epoch + 1, config.epochs, step + 1, len(steps), loss.item(), None)
        on_progress(progress)
    return progress


def _schedule(done: float) -> float:
    """Learning rate over its peak when a fraction of the run is done: a linear rise, then half a cosine."""
    if done < _WARM_UP:
        return done / _WARM_UP
    return 0.5 + 0.5 * math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP))


def _shift(
    images: Float[Tensor, "batch 1 28 28"], *, max_shift: int, generator: torch.Generator
) -> Float[Tensor, "batch 1 28 28"]:
    """Move each image by its own random whole number of pixels along each axis; black comes in."""
    batch, _, height, width = images.shape
    padded = functional.pad(images, [max_shift] * 4)
    offsets = torch.randint(2 * max_shift + 1, (2, batch, 1), generator=generator)
    rows = (torch.arange(height) + offsets[0])[:, :, None]
    columns = (torch.arange(width) + offsets[1])[:, None, :]
    return padded[torch.arange(batch)[:, None, None], 0, rows, columns][:, None]


def _describe(data: Labelled) -> str:
    return f"{data.name}, {len(data.labels)} images"


def _finish(
    network: nn.Module, *, identity: RunIdentity, quality: Mapping[str, float], out: Path, name: str
) -> ModelCard:
    """Write the weights, then the card: a card stands for a finished model."""
    weights = safetensors.torch.save(network.state_dict())
    card = ModelCard(
        name=name,
        architecture=identity.architecture,
        training=identity.training,
        train_data=identity.train_data,
        test_data=identity.test_data,
        quality=quality,
        num_parameters=sum(parameter.numel() for parameter in network.parameters()),
        command=identity.training.command(name),
        reproducibility=REPRODUCIBILITY,
        torch_version=torch.__version__,
        sha256=hashlib.sha256(weights).hexdigest(),
    )
    write_whole(weights, out / f"{name}.safetensors")
    write_whole(write_card(card), out / f"{name}.json")
    return card
