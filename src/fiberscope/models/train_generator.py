"""Training a generator: a variational autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from fiberscope.models.cards import ModelCard
from fiberscope.models.library import load
from fiberscope.models.networks import Generator
from fiberscope.models.train import Batch, Labelled, Progress, Training, run_training
from fiberscope.models.train_autoencoder import mean_squared_error
from fiberscope.models.training_config import GeneratorConfig

_READER = "mnist-classifier"
_SAMPLES, _SURE = 1000, 0.9
_WARM_UP = 0.2  # fraction of the run in which the weight of the divergence rises: else latents die before they are used


class _Bound(NamedTuple):
    """The two parts of the evidence bound, in nats an image."""

    distortion: Float[Tensor, " batch"]
    divergence: Float[Tensor, " batch"]


def train_generator(
    train: Labelled,
    test: Labelled,
    *,
    config: GeneratorConfig,
    out: Path,
    name: str = "generator",
    force: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> ModelCard:
    """Train a Generator by the evidence lower bound, and write its weights and card into `out`.

    A kill, a finished model in the way and another run's checkpoint are met as by `train_classifier`.

    References:
        Kingma and Welling (2014), Auto-encoding variational Bayes.
        Sønderby et al. (2016), Ladder variational autoencoders, section 2.3 (the warm-up).
    """
    training = Training(Generator, config, partial(_loss, kl_weight=config.kl_weight), _quality)
    return run_training(training, train, test, out=out, name=name, force=force, on_progress=on_progress)


def _loss(network: Generator, batch: Batch, *, kl_weight: float) -> Float[Tensor, ""]:
    bound = _bound(network, batch.images, batch.generator)
    return (bound.distortion + kl_weight * min(1.0, batch.done / _WARM_UP) * bound.divergence).mean()


def _bound(network: Generator, images: Float[Tensor, "batch 1 28 28"], generator: torch.Generator) -> _Bound:
    mean, log_variance = network.encoder.posterior(images).chunk(2, dim=1)
    noise = torch.randn(mean.shape, generator=generator)
    drawn = mean + noise * torch.exp(log_variance / 2)
    # a pixel's intensity is the probability of ink, before the sigmoid: exact where it is nearly sure
    logits = network.painter[:-1](drawn)
    distortion = functional.binary_cross_entropy_with_logits(logits, images, reduction="none").sum(dim=(1, 2, 3))
    # log q(z | x) - log p(z), where p is the flow's push of the standard normal
    rows, log_volume = network.encoder.flow.inverse(drawn)
    divergence = 0.5 * (rows.square() - noise.square() - log_variance).sum(dim=1) - log_volume
    return _Bound(distortion, divergence)


@torch.no_grad()
def _quality(network: Generator, test: Labelled) -> Mapping[str, float]:
    """The bound and the error on the test set, and how many samples the shipped classifier reads for sure."""
    generator = torch.Generator().manual_seed(0)
    bounds = [_bound(network, images, generator) for images in torch.split(test.images, 1000)]
    elbo = -torch.cat([bound.distortion + bound.divergence for bound in bounds]).mean()
    samples = network.decoder(torch.randn(_SAMPLES, network.latent_size, generator=generator))
    probabilities = load(_READER)(samples).softmax(dim=1).amax(dim=1)
    return {
        "elbo": float(elbo),
        "mean_squared_error": mean_squared_error(network, test),
        "samples_read": float((probabilities > _SURE).double().mean()),
    }
