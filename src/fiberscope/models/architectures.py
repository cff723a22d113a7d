"""Which network a card names, and from which choices it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias, TypeVar

import torch

from fiberscope.models.networks import Autoencoder, Classifier, Generator
from fiberscope.models.training_config import AutoencoderConfig, ClassifierConfig, GeneratorConfig, TrainingConfig

Network: TypeAlias = Classifier | Autoencoder | Generator
Kind = TypeVar("Kind", bound=Network)


class Architecture(NamedTuple):
    """A network of ours and the choices that its training takes."""

    network: type[Network]
    config: type[TrainingConfig]


ARCHITECTURES: Mapping[str, Architecture] = {
    "Classifier": Architecture(Classifier, ClassifierConfig),
    "Autoencoder": Architecture(Autoencoder, AutoencoderConfig),
    "Generator": Architecture(Generator, GeneratorConfig),
}


def build(network: type[Kind], config: TrainingConfig) -> Kind:
    """Build the network as it is before its training; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return network(latent_size=config.latent_size, activation=config.activation)
