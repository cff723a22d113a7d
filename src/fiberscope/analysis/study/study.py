"""What every question of a study is asked about: a network, some images, and data to measure them against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.selection import Selection
from fiberscope.data import LabelledImages
from fiberscope.judges import Panel
from fiberscope.models import Generator
from fiberscope.problem import LatentMap
from fiberscope.variations import LatentScale, latent_scale

_MOST_FOR_SCALE = 2000  # labelled images whose latents set the units


@dataclass(frozen=True, eq=False)
class Study:
    """A network as its latent map, the images under study, labelled data, judges and a generator where they fit.

    ``predict`` gives the class that the network reads in each image, None for a network that reads none. ``data`` are
    labelled images of the same kind: they set the units (distances within a class, between classes) and lend
    partners. ``panel`` and ``generator`` are None where none fits the images.
    """

    model: str
    latent_map: LatentMap
    predict: Callable[[Float[Tensor, "batch ..."]], Int64[Tensor, " batch"]] | None
    images: Selection
    data: LabelledImages
    panel: Panel | None
    generator: Generator | None
    seed: int

    @property
    def inputs(self) -> Float[Tensor, "image channel height width"]:
        """The images under study, where and as precise as the network computes."""
        return self.images.images.to(self.latent_map.device, self.latent_map.dtype)

    @cached_property
    def classes(self) -> Int64[Tensor, " image"]:
        """The class that each image under study stands for: as the network reads it, else its label; -1 unknown."""
        if self.predict is not None:
            return self.predict(self.inputs).cpu()
        return torch.tensor([-1 if label is None else label for label in self.images.labels])

    @cached_property
    def scale(self) -> LatentScale:
        """The median distances of latents within a class and between classes."""
        with torch.no_grad():
            images = self.data.images[:_MOST_FOR_SCALE].to(self.latent_map.device, self.latent_map.dtype)
            latents = torch.cat([self.latent_map(part) for part in images.split(500)])
        return latent_scale(latents, self.data.labels[:_MOST_FOR_SCALE])

    @cached_property
    def partners(self) -> Selection:
        """For each image under study a random one of the data, of another class: whose latent it is to reach."""
        random = self.rng()
        rows: list[int] = []
        for label in self.classes.tolist():
            others = (self.data.labels != label).nonzero()[:, 0]
            rows.append(int(others[torch.randint(len(others), (), generator=random)]))
        labels = self.data.labels[rows].tolist()
        return Selection(self.data.images[rows], tuple(f"{self.data.name} {row}" for row in rows), tuple(labels))

    def rng(self) -> torch.Generator:
        """A fresh generator with the study's seed, so that no question depends on which were asked before it."""
        return torch.Generator().manual_seed(self.seed)
