"""What every question of a study is asked about: a network, some images, and data to measure them against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from fiberscope.analysis.reference import factor_of, spread
from fiberscope.analysis.selection import Selection
from fiberscope.analysis.study.metamers import Metamers, find_metamers
from fiberscope.analysis.study.reading import Logits, Reading, read, read_classes
from fiberscope.analysis.study.sight import Sight, see
from fiberscope.data import LabelledImages
from fiberscope.judges import Panel
from fiberscope.lazy import lazy
from fiberscope.models import Generator
from fiberscope.problem import LatentMap
from fiberscope.variations import LatentScale, Variation, latent_scale, variations_for
from fiberscope.variations.kinds import Kind

_MOST_FOR_SCALE = 2000  # labelled images whose latents set the units


@dataclass(frozen=True, eq=False)
class Study:
    """A network as its latent map, the images under study, labelled data, judges and a generator where they fit.

    ``logits`` is None for a network that reads no class. ``partners`` has an image for each image under study, whose
    latent that one is to reach. ``data`` are labelled images of the same kind: they set the units (distances within a
    class, between classes) and say how images vary. ``panel`` and ``generator`` are None where none fits the images;
    ``kind`` says which named changes suit the images; ``beside`` are other networks, asked about the same images.
    """

    model: str
    latent_map: LatentMap
    logits: Logits | None
    images: Selection
    partners: Selection
    data: LabelledImages
    panel: Panel | None
    generator: Generator | None
    seed: int
    kind: Kind = "general"
    beside: tuple[Study, ...] = ()

    @property
    def inputs(self) -> Float[Tensor, "image channel height width"]:
        """The images under study, where and as precise as the network computes."""
        return self.images.images.to(self.latent_map.device, self.latent_map.dtype)

    @property
    def aims(self) -> Float[Tensor, "image channel height width"]:
        """The partners of the images under study, likewise."""
        return self.partners.images.to(self.latent_map.device, self.latent_map.dtype)

    @property
    def noun(self) -> str:
        """What the images are, for sentences: digits where all are MNIST's, of which alone the class is known."""
        return "digit" if self._beside_digits and None not in self.images.labels else "image"

    @property
    def a_noun(self) -> str:
        """One of them."""
        return f"a {self.noun}" if self.noun == "digit" else f"an {self.noun}"

    @property
    def samples(self) -> str:
        """What the labelled data are, for sentences."""
        if self._beside_digits:
            return "test digits" if self.data.name == "mnist-test" else "labelled digits"
        return "labelled images"

    @property
    def _beside_digits(self) -> bool:
        return self.data.name in ("mnist-test", "mnist-train")

    @property
    def predict(self) -> Callable[[Float[Tensor, "batch ..."]], Int64[Tensor, " batch"]] | None:
        """The class that the network reads in each image; None for a network that reads none."""
        logits = self.logits
        return None if logits is None else lambda images: read_classes(self.latent_map, logits, images)

    @lazy
    def classes(self) -> Int64[Tensor, " image"]:
        """The class that each image under study stands for: as the network reads it, else its label; -1 unknown."""
        if self.reading.classes is not None:
            return self.reading.classes
        return torch.tensor([-1 if label is None else label for label in self.images.labels])

    @lazy
    def reading(self) -> Reading:
        """What the network says of the images under study."""
        return self.read(self.images.images)

    @lazy
    def data_reading(self) -> Reading:
        """What the network says of the labelled data."""
        return self.read(self.data.images)

    @lazy
    def hits(self) -> Bool[Tensor, " labelled"]:
        """Whether the network reads each of the labelled data right: none of them, if it reads no class."""
        classes = self.data_reading.classes
        return torch.zeros_like(self.data.labels, dtype=torch.bool) if classes is None else classes == self.data.labels

    @lazy
    def variations(self) -> tuple[Variation, ...]:
        """Every variation of that kind."""
        return variations_for(self.kind, self.latent_map.input_shape)

    @lazy
    def scale(self) -> LatentScale:
        """The median distances of latents within a class and between classes."""
        some = spread(len(self.data.labels), _MOST_FOR_SCALE)
        return latent_scale(self.data_reading.latents[some], self.data.labels[some])

    @lazy
    def factor(self) -> Float[Tensor, "n r"]:
        """How images vary: this times its transpose is the covariance of the labelled data."""
        return factor_of(self.latent_map, self.data.images)

    @lazy
    def sight(self) -> Sight:
        """What the network sees around each image, and what it cannot see."""
        return see(self.latent_map, self.inputs, self.factor)

    @lazy
    def metamers(self) -> Metamers:
        """For each image the nearest one found that has exactly the latent of its partner."""
        return find_metamers(self.latent_map, self.logits, self.inputs, self.aims)

    def read(self, images: Float[Tensor, "batch ..."]) -> Reading:
        """Latents, classes and probabilities of images, afresh."""
        return read(self.latent_map, self.logits, images)

    def rng(self) -> torch.Generator:
        """A fresh generator with the study's seed, so that no question depends on which were asked before it."""
        return torch.Generator().manual_seed(self.seed)
