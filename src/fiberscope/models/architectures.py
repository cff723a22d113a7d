"""Which network a card names, and from which choices it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import torch

from fiberscope.models.networks import Classifier
from fiberscope.models.training_config import ClassifierConfig, TrainingConfig

Network: TypeAlias = Classifier


class Architecture(NamedTuple):
    """A network of ours and the choices that its training takes."""

    network: type[Network]
    config: type[TrainingConfig]


ARCHITECTURES: Mapping[str, Architecture] = {
    "Classifier": Architecture(Classifier, ClassifierConfig),
}


def build(architecture: str, config: TrainingConfig) -> Network:
    """Build the network as it is before its training; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return ARCHITECTURES[architecture].network(latent_size=config.latent_size, activation=config.activation)
