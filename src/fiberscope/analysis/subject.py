"""What is asked about: a network, labelled images of the kind that it takes, and whatever fits them; opened once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope import models
from fiberscope.analysis.network import Network
from fiberscope.analysis.reference import factor_of, spread
from fiberscope.analysis.selection import as_image, is_digit
from fiberscope.analysis.study.reading import Logits, read
from fiberscope.data import LabelledImages, faces, load_labelled, mnist
from fiberscope.judges import Panel, shipped_panel
from fiberscope.lazy import lazy
from fiberscope.models import Generator
from fiberscope.problem import FiberscopeError, LatentMap
from fiberscope.variations import LatentScale, Variation, latent_scale, variations_for
from fiberscope.variations.kinds import Kind

_GENERATOR = "mnist-generator"
_FOR_FACES = ("face-embedding",)
_FACE = (1, 112, 112)
_SOME = 500  # labelled images that show whether a network reads classes
_MOST_FOR_SCALE = 2000  # labelled images whose latents set the unit


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, and what is known about the images that it takes.

    ``reference`` are labelled images of that kind: they say how images vary, how far apart classes are, and which
    images of other classes there are. ``logits`` is None for a network that reads no class, ``panel`` where no judges
    fit the images; ``digits`` says whether they are those of MNIST, of which judges and a generator ship, ``kind``
    which named changes suit them.
    """

    network: Network
    reference: LabelledImages
    digits: bool
    logits: Logits | None
    panel: Panel | None
    kind: Kind

    @property
    def latent_map(self) -> LatentMap:
        """The network up to its latent."""
        return self.network.latent_map

    @lazy
    def factor(self) -> Float[Tensor, "n r"]:
        """How images vary: this times its transpose is the covariance of the reference."""
        return factor_of(self.latent_map, self.reference.images)

    @lazy
    def scale(self) -> LatentScale:
        """The median distances of latents within a class and between classes, of the reference."""
        some = spread(len(self.reference.labels), _MOST_FOR_SCALE)
        latents = read(self.latent_map, None, self.reference.images[some]).latents
        return latent_scale(latents, self.reference.labels[some])

    @lazy
    def variations(self) -> tuple[Variation, ...]:
        """Every variation of that kind."""
        return variations_for(self.kind, self.latent_map.input_shape)

    @lazy
    def generator(self) -> Generator | None:
        """What draws such images; None where none ships."""
        latent_map = self.latent_map
        return models.load(_GENERATOR, Generator).to(latent_map.device, latent_map.dtype) if self.digits else None


def kind_for(model: str, wanted: Kind | None) -> Kind:
    """The kind of variations that is asked for, else the one that suits what the network of that name is for."""
    return wanted or ("faces" if model in _FOR_FACES else "general")


def is_face(shape: tuple[int, ...], kind: Kind) -> bool:
    """Whether images of that shape and kind are those of `data.faces`."""
    return kind == "faces" and shape == _FACE


def open_subject(
    network: Network, *, labelled: Path | None = None, own: LabelledImages | None = None, kind: Kind = "general"
) -> Subject:
    """Open what fits the images that a network takes.

    The reference is the set ``labelled``, else the test digits where the network takes such, else ``own``, the classes
    that the images under study bring, else the fetched faces for a network of such faces. Raises FiberscopeError where
    there is none, it does not fit, or the kind of variations does not.
    """
    shape = network.latent_map.input_shape
    variations_for(kind, shape)
    digits = is_digit(shape) and labelled is None
    reference = own if labelled is None else load_labelled(labelled, shape=as_image(shape, "labelled"))
    if digits:
        reference = mnist("test")
    if reference is None and is_face(shape, kind):
        reference = faces()
    if reference is None:
        raise FiberscopeError(
            f"labelled: no labelled images of shape {shape} ship, and the images have no classes, so nothing says how "
            "far apart two classes are. Give a folder with a folder of pictures for each class, or an npz archive "
            "with the arrays images and labels."
        )
    return Subject(
        network=network,
        reference=reference,
        digits=digits,
        logits=find_logits(network.module, reference),
        panel=shipped_panel() if digits else None,
        kind=kind,
    )


def find_logits(module: nn.Module, reference: LabelledImages) -> Logits | None:
    """The whole network, if its output is one number a class; of a user's own, if the largest mostly is the label's."""
    if not isinstance(module, models.Classifier) and not _reads(module, reference):
        return None

    def logits(images: Tensor) -> Tensor:
        output: Tensor = module(images)
        return output

    return logits


def _reads(module: nn.Module, data: LabelledImages) -> bool:
    like = next(iter(module.parameters()), torch.empty(0))
    some = spread(len(data.labels), _SOME)
    with torch.no_grad():
        output = module(data.images[some].to(like.device, like.dtype))
    labels = data.labels[some]
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] <= int(labels.max()):
        return False
    commonest = float(labels.bincount().max()) / len(labels)
    return float((output.argmax(dim=1).cpu() == labels).double().mean()) > max(0.5, commonest)
