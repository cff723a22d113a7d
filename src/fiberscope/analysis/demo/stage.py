"""What every question of the demo is asked about: the network, the test set, and ten of its digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from fiberscope import models
from fiberscope.analysis.demo.partners import choose_partners
from fiberscope.analysis.demo.reading import Reading, read
from fiberscope.analysis.demo.sight import Sight, see
from fiberscope.data import LabelledImages, mnist
from fiberscope.geometry.bases import covariance_factor
from fiberscope.models import Classifier
from fiberscope.problem import LatentMap

MODEL = "mnist-classifier"


@dataclass(frozen=True, eq=False)
class Stage:
    """A classifier and its latent map, the test set as the classifier reads it, and which ten digits are shown.

    ``factor`` times its transpose is the covariance of the test images.
    """

    network: Classifier
    latent_map: LatentMap
    test: LabelledImages
    reading: Reading
    chosen: Int64[Tensor, " digit"]
    factor: Float[Tensor, "n r"]
    seed: int

    @property
    def digits(self) -> Float[Tensor, "digit 1 28 28"]:
        """The ten images, one a class, in the order of the classes."""
        return self.test.images[self.chosen]

    @property
    def names(self) -> list[str]:
        """The class of each of the ten, as a word."""
        return [str(label) for label in self.test.labels[self.chosen].tolist()]

    @property
    def hits(self) -> Bool[Tensor, " image"]:
        """Whether the classifier reads each test image right."""
        return self.reading.classes == self.test.labels

    @property
    def accuracy(self) -> float:
        """The share of the test images that the classifier reads right."""
        return float(self.hits.double().mean())

    @cached_property
    def partner(self) -> Int64[Tensor, " digit"]:
        """For each of the ten, the row of another of them, whose class differs."""
        return choose_partners(generator=self.generator())

    @cached_property
    def sight(self) -> Sight:
        """What the network sees around each of the ten, and what it cannot see."""
        return see(self.latent_map, self.digits, self.factor)

    def generator(self) -> torch.Generator:
        """A fresh generator with the run's seed, so that no question depends on which were asked before it."""
        return torch.Generator().manual_seed(self.seed)


def set_stage(*, seed: int) -> Stage:
    """Load the shipped classifier and the shipped test set, and choose ten digits that it reads right."""
    network, test = models.load(MODEL, Classifier), mnist("test")
    latent_map = LatentMap(network.encoder, input_shape=tuple(test.images.shape[1:]))
    reading = read(network, test.images)
    chosen = choose_digits(test.labels, reading.classes == test.labels, generator=torch.Generator().manual_seed(seed))
    factor = covariance_factor(latent_map.flatten(test.images))
    return Stage(network, latent_map, test, reading, chosen, factor, seed)


def choose_digits(
    labels: Int64[Tensor, " image"], hits: Bool[Tensor, " image"], *, generator: torch.Generator
) -> Int64[Tensor, " digit"]:
    """Draw one image of each class among those read right."""
    places = [(hits & (labels == label)).nonzero()[:, 0] for label in sorted(set(labels.tolist()))]
    return torch.stack([some[torch.randint(len(some), (), generator=generator)] for some in places])
