"""What measures are asked about: a network, the images of the survey, judges, and labelled data that set the units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import Network, open_network
from fiberscope.analysis.selection import is_digit
from fiberscope.analysis.study.open_study import find_logits, seat
from fiberscope.analysis.study.reading import Logits, read
from fiberscope.data import LabelledImages, load_labelled, mnist
from fiberscope.geometry import covariance_factor
from fiberscope.judges import Panel, shipped_panel
from fiberscope.problem import FiberscopeError, LatentMap
from fiberscope.survey.source import Source, limited, open_source
from fiberscope.variations import (
    LatentScale,
    Variation,
    Yardsticks,
    catalogue,
    latent_scale,
    yardsticks,
)

_YARDSTICKS = 100
_MOST_FOR_YARDSTICKS = 1000  # labelled images
_MOST_FOR_SCALE = 2000  # the same, whose latents set the unit


@dataclass(frozen=True, eq=False)
class Scene:
    """All that a worker opens once, and that every image of the survey is measured with.

    ``reference`` are labelled images of the same kind: they say how images vary, how far apart classes are, and which
    images of other classes there are. ``logits`` is None for a network that reads no class, ``panel`` where no judges
    fit the images.
    """

    network: Network
    source: Source
    reference: LabelledImages
    logits: Logits | None
    panel: Panel | None
    seed: int

    @property
    def latent_map(self) -> LatentMap:
        """The network up to its latent."""
        return self.network.latent_map

    @cached_property
    def factor(self) -> Float[Tensor, "n r"]:
        """How images vary: this times its transpose is the covariance of the reference."""
        return covariance_factor(self.latent_map.flatten(self._here(self.reference.images)))

    @cached_property
    def variations(self) -> tuple[Variation, ...]:
        """Every variation that fits the images."""
        return catalogue(self.latent_map.input_shape)

    @cached_property
    def yardstick(self) -> Yardsticks:
        """Steps between reference images of two classes, and random ones."""
        # Spread over the whole: labelled images often come class by class.
        count = len(self.reference.labels)
        some = torch.linspace(0, count - 1, min(_MOST_FOR_YARDSTICKS, count)).long()
        random = torch.Generator().manual_seed(self.seed)
        images, labels = self._here(self.reference.images[some]), self.reference.labels[some]
        return yardsticks(self.latent_map, images, labels, count=_YARDSTICKS, generator=random)

    @cached_property
    def scale(self) -> LatentScale:
        """The median distances of latents within a class and between classes, of the reference."""
        count = len(self.reference.labels)
        some = torch.linspace(0, count - 1, min(_MOST_FOR_SCALE, count)).long()
        latents = read(self.latent_map, None, self.reference.images[some]).latents
        return latent_scale(latents, self.reference.labels[some])

    def _here(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        return images.to(self.latent_map.device, self.latent_map.dtype)


def open_scene(
    choice: NetworkChoice,
    data: str,
    *,
    limit: int | None = None,
    labelled: Path | None = None,
    judges: Sequence[str] = (),
    seed: int = 0,
) -> Scene:
    """Open the network and whatever fits its images.

    ``labelled`` replaces the test digits as reference, and with them the judges of digits; by default, for images that
    are no digits, it is the data itself. ``judges`` sit on the panel beside those that ship. Raises FiberscopeError for
    what does not fit.
    """
    network = open_network(choice)
    shape = network.latent_map.input_shape
    source = limited(open_source(data, shape=shape), limit)
    reference = _reference(source, shape, labelled)
    digits = is_digit(shape) and labelled is None
    return Scene(
        network=network,
        source=source,
        reference=reference,
        logits=find_logits(network.module, reference),
        panel=seat(shipped_panel() if digits else None, judges, reference),
        seed=seed,
    )


def _reference(source: Source, shape: tuple[int, ...], labelled: Path | None) -> LabelledImages:
    if labelled is not None:
        if len(shape) != 3:
            raise FiberscopeError(f"labelled: files hold images (channels, height, width), the network takes {shape}.")
        return load_labelled(labelled, shape=(shape[0], shape[1], shape[2]))
    if is_digit(shape):
        return mnist("test")
    if source.labelled is None:
        raise FiberscopeError(
            f"labelled: no labelled images of shape {shape} ship, and the data have no classes, so nothing says how "
            "far apart two classes are. Give a folder with a folder of PNG files for each class, or an npz archive "
            "with the arrays images and labels."
        )
    return source.labelled
