"""A batch of neighbouring images of a survey, with what several measures ask of it computed once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.nearer import nearest_of_two
from fiberscope.analysis.selection import Selection
from fiberscope.analysis.study.reading import Reading, read
from fiberscope.geometry import TangentSplit, jacobian, split_tangent
from fiberscope.lazy import lazy
from fiberscope.moves import Nearest
from fiberscope.problem import Fiber
from fiberscope.survey.scene import Scene


@dataclass(frozen=True, eq=False)
class Batch:
    """Images from the place ``start`` of a survey on; what is asked of them lazily is shared by the measures."""

    scene: Scene
    start: int
    selection: Selection

    def __len__(self) -> int:
        return len(self.selection.names)

    @lazy
    def images(self) -> Float[Tensor, "batch ..."]:
        """The images, where and as precise as the network computes."""
        latent_map = self.scene.latent_map
        return self.selection.images.to(latent_map.device, latent_map.dtype)

    @property
    def labels(self) -> tuple[int | None, ...]:
        """The class of each image, where it is known."""
        return self.selection.labels

    @lazy
    def jacobian(self) -> Float[Tensor, "batch m n"]:
        """The Jacobian of each image's latent."""
        return jacobian(self.scene.latent_map, self.images)

    @lazy
    def split(self) -> TangentSplit:
        """What the network sees around each image, and what it cannot see."""
        return split_tangent(self.jacobian)

    @lazy
    def reading(self) -> Reading:
        """Latent, class and probability of each image."""
        return read(self.scene.latent_map, self.scene.logits, self.images)

    @lazy
    def classes(self) -> tuple[int | None, ...]:
        """The class that each image stands for: as the network reads it, else its label."""
        found = self.reading.classes
        return self.labels if found is None else tuple(found.tolist())

    @lazy
    def partners(self) -> Int64[Tensor, " batch"]:
        """For each image a random one of the reference, of another class; drawn by the image's own seed."""
        labels = self.scene.reference.labels
        rows = []
        for row, own in enumerate(self.classes):
            others = torch.arange(len(labels)) if own is None else (labels != own).nonzero()[:, 0]
            rows.append(int(others[torch.randint(len(others), (), generator=self.rng(row))]))
        return torch.tensor(rows)

    @lazy
    def partner_images(self) -> Float[Tensor, "batch ..."]:
        """Those images."""
        return self.scene.reference.images[self.partners].to(self.images)

    @lazy
    def nearest(self) -> Nearest:
        """On the fiber of each image what is nearest to its partner, sought from the image and from the partner."""
        fiber = Fiber.through(self.scene.latent_map, self.images)
        return nearest_of_two(fiber, self.partner_images, self.images)

    @lazy
    def nearest_reading(self) -> Reading:
        """What the network says of the images found, by a fresh forward pass."""
        return read(self.scene.latent_map, self.scene.logits, self.nearest.points)

    def rng(self, row: int) -> torch.Generator:
        """A fresh generator of this image's own: of the survey's seed and the image's place, of no worker or batch."""
        words = f"{self.scene.seed} {self.start + row}".encode()
        return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(words).digest()[:7]))

    def one(self, row: int) -> Batch:
        """One of the images alone."""
        return Batch(self.scene, self.start + row, self.selection.part(slice(row, row + 1)))
