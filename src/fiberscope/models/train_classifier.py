"""Training a classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fiberscope.models.cards import ModelCard
from fiberscope.models.networks import Classifier
from fiberscope.models.train import Batch, Labelled, Progress, Training, run_training
from fiberscope.models.training_config import ClassifierConfig


def train_classifier(
    train: Labelled,
    test: Labelled,
    *,
    config: ClassifierConfig,
    out: Path,
    name: str = "classifier",
    force: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> ModelCard:
    """Train a Classifier by cross entropy, and write its weights and card into `out`; see `run_training`."""
    training = Training(Classifier, config, _loss, _quality)
    return run_training(training, train, test, out=out, name=name, force=force, on_progress=on_progress)


@torch.no_grad()
def accuracy(network: nn.Module, test: Labelled) -> float:
    """Fraction of the images whose largest logit is that of their class."""
    batches = zip(torch.split(test.images, 1000), torch.split(test.labels, 1000), strict=True)
    hits = sum(int((network(images).argmax(dim=1) == labels).sum()) for images, labels in batches)
    return hits / len(test.labels)


def _loss(network: Classifier, batch: Batch) -> Float[Tensor, ""]:
    return functional.cross_entropy(network(batch.images), batch.labels)


def _quality(network: Classifier, test: Labelled) -> Mapping[str, float]:
    return {"accuracy": accuracy(network, test)}
