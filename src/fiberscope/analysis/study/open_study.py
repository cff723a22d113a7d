"""From what a user names to what the questions are asked about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from fiberscope import models
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import Network, open_network
from fiberscope.analysis.selection import Selection, is_digit
from fiberscope.analysis.study.study import Study
from fiberscope.data import LabelledImages, mnist
from fiberscope.judges import Panel, from_module, shipped_panel
from fiberscope.models import Generator
from fiberscope.problem import FiberscopeError

GENERATOR = "mnist-generator"
_BATCH = 500


def open_study(
    choice: NetworkChoice,
    images: Selection,
    *,
    seed: int,
    panel: Panel | None = None,
    judges: Sequence[str] = (),
) -> tuple[Study, Network]:
    """Open the network and whatever fits its images: labelled data, judges, a generator.

    ``panel`` replaces the judges that ship; ``judges`` are networks that sit on the panel beside them, each named as
    a model is. Raises FiberscopeError for images without labels of their own where no data set fits.
    """
    network = open_network(choice)
    shape = network.latent_map.input_shape
    digits = is_digit(shape)
    data = mnist("test") if digits else _labelled(images)
    if panel is None and digits:
        panel = shipped_panel()
    if judges:
        panel = _with(panel, judges)
    generator = models.load(GENERATOR, Generator).to(network.latent_map.device, network.latent_map.dtype)
    study = Study(
        model=choice.model,
        latent_map=network.latent_map,
        predict=_reader(network.module, data),
        images=images,
        data=data,
        panel=panel,
        generator=generator if digits else None,
        seed=seed,
    )
    return study, network


def _labelled(images: Selection) -> LabelledImages:
    if any(label is None for label in images.labels):
        raise FiberscopeError(
            "images: no class is known of some of them, so nothing says how far apart two classes are. Put the images "
            "of each class into a folder of its own and name the folder above them."
        )
    labels = torch.tensor([-1 if label is None else label for label in images.labels])
    return LabelledImages(images.images, labels, "images")


def _with(panel: Panel | None, judges: Sequence[str]) -> Panel:
    own = tuple(from_module(models.resolve(name), name=Path(name).name) for name in judges)
    return Panel((*panel.judges, *own) if panel else own)


def _reader(module: nn.Module, data: LabelledImages) -> Callable[[Tensor], Int64[Tensor, " batch"]] | None:
    """The class with the largest output, of a network whose whole output is one number a class."""

    def predict(images: Float[Tensor, "batch ..."]) -> Int64[Tensor, " batch"]:
        with torch.no_grad():
            return torch.cat([module(part).argmax(dim=1) for part in images.split(_BATCH)])

    if not isinstance(module, models.Classifier) and not _reads(module, data):
        return None
    return predict


def _reads(module: nn.Module, data: LabelledImages) -> bool:
    """Whether the output of a user's network is one number a class, and says the class more often than not."""
    like = next(iter(module.parameters()), torch.empty(0))
    some = data.images[:200].to(like.device, like.dtype)
    with torch.no_grad():
        output = module(some)
    if not isinstance(output, Tensor) or output.shape != (len(some), int(data.labels.max()) + 1):
        return False
    return bool((output.argmax(dim=1).cpu() == data.labels[: len(some)]).double().mean() > 0.5)
