"""Training a classifier, on the images as they are or on the worst image near each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fiberscope.models.adversary import worst_nearby
from fiberscope.models.cards import ModelCard
from fiberscope.models.networks import Classifier
from fiberscope.models.train import Batch, Labelled, Progress, Training, run_training
from fiberscope.models.training_config import ClassifierConfig

_WARM_UP = 0.3  # fraction of the run in which the ball grows: from the start at full size, nothing is learned
_ATTACKED, _ATTACK_STEPS = 1000, 20  # test images and steps of the attack that the card tells of


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
    """Train a Classifier by cross entropy on randomly shifted images, and write its weights and card into `out`.

    With a `robust_radius`, each image is replaced by the worst one within that distance. After each epoch a checkpoint
    stands in `out`; the same call after a kill continues from it and ends with the weights of an undisturbed run.

    Raises FiberscopeError when a finished model would be overwritten without `force`, or when the checkpoint
    is of a run with another configuration or other data.

    References:
        Madry et al. (2018), Towards deep learning models resistant to adversarial attacks.
    """
    training = Training(Classifier, config, partial(_loss, config=config), partial(_quality, config=config))
    return run_training(training, train, test, out=out, name=name, force=force, on_progress=on_progress)


@torch.no_grad()
def accuracy(network: nn.Module, test: Labelled) -> float:
    """Fraction of the images whose largest logit is that of their class."""
    batches = zip(torch.split(test.images, 1000), torch.split(test.labels, 1000), strict=True)
    hits = sum(int((network(images).argmax(dim=1) == labels).sum()) for images, labels in batches)
    return hits / len(test.labels)


def _loss(network: Classifier, batch: Batch, *, config: ClassifierConfig) -> Float[Tensor, ""]:
    images, radius = batch.images, config.robust_radius * min(1.0, batch.done / _WARM_UP)
    if radius > 0:
        images = worst_nearby(network, images, batch.labels, radius=radius, num_steps=config.robust_steps)
    return functional.cross_entropy(network(images), batch.labels)


def _quality(network: Classifier, test: Labelled, *, config: ClassifierConfig) -> Mapping[str, float]:
    quality = {"accuracy": accuracy(network, test)}
    if config.robust_radius > 0:
        images, labels = test.images[:_ATTACKED], test.labels[:_ATTACKED]
        radius = config.robust_radius
        worst = worst_nearby(network, images, labels, radius=radius, num_steps=_ATTACK_STEPS)
        quality["accuracy_under_attack"] = float((network(worst).argmax(dim=1) == labels).double().mean())
    return quality
