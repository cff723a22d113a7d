"""Training an autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fiberscope.models.cards import ModelCard
from fiberscope.models.networks import Autoencoder
from fiberscope.models.train import Batch, Labelled, Progress, Training, run_training
from fiberscope.models.training_config import AutoencoderConfig


def train_autoencoder(
    train: Labelled,
    test: Labelled,
    *,
    config: AutoencoderConfig,
    out: Path,
    name: str = "autoencoder",
    force: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> ModelCard:
    """Train an Autoencoder by the squared error of its images, and write its weights and card into `out`.

    A kill, a finished model in the way and another run's checkpoint are met as by `train_classifier`.
    """
    training = Training(Autoencoder, config, _loss, _quality)
    return run_training(training, train, test, out=out, name=name, force=force, on_progress=on_progress)


@torch.no_grad()
def mean_squared_error(network: nn.Module, test: Labelled) -> float:
    """Mean over images and pixels of the squared difference between an image and what the network makes of it."""
    errors = [
        functional.mse_loss(network(images), images, reduction="sum") for images in torch.split(test.images, 1000)
    ]
    return float(torch.stack(errors).sum()) / test.images.numel()


def _loss(network: Autoencoder, batch: Batch) -> Float[Tensor, ""]:
    # summed over pixels: the optimiser's eps would matter beside gradients of the mean
    return functional.mse_loss(network(batch.images), batch.images, reduction="sum") / len(batch.images)


def _quality(network: Autoencoder, test: Labelled) -> Mapping[str, float]:
    return {"mean_squared_error": mean_squared_error(network, test)}
