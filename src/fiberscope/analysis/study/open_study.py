"""From what a user names to what the questions are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from fiberscope import models
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import Network, open_network
from fiberscope.analysis.selection import Selection, is_digit, select
from fiberscope.analysis.study.reading import Logits, read_classes
from fiberscope.analysis.study.study import Study
from fiberscope.data import LabelledImages, load_labelled, mnist
from fiberscope.judges import ModuleJudge, Panel, from_module, shipped_panel
from fiberscope.models import Generator
from fiberscope.problem import FiberscopeError

GENERATOR = "mnist-generator"
_SOME = 500  # labelled images that show whether a network reads classes


def open_study(
    choice: NetworkChoice,
    images: Selection | Sequence[str],
    *,
    seed: int,
    panel: Panel | None = None,
    judges: Sequence[str] = (),
    beside: Sequence[str] = (),
    labelled: Path | None = None,
) -> tuple[Study, Network]:
    """Open the network and whatever fits its images: labelled data, judges, a generator, networks to compare with.

    ``images`` are a selection, or the sources of one in the shape that the network takes.
    ``panel`` replaces the judges that ship; ``judges`` are networks that sit on the panel beside them, ``beside`` those
    to compare with, each named as a model is. ``labelled`` replaces the test digits, and with them the judges and the
    generator of digits. Raises FiberscopeError for what does not fit the images.
    """
    if len({choice.model, *beside}) < 1 + len(beside):
        raise FiberscopeError(
            f"beside: found {', '.join(beside)} beside {choice.model}. Name each network once, and not the one under "
            "study."
        )
    network = open_network(choice)
    shape = _check_size(network)
    if not isinstance(images, Selection):
        images = select(images, shape=shape)
    digits = is_digit(shape) and labelled is None
    data = mnist("test") if digits else _read_labelled(labelled, shape)
    if panel is None and digits:
        panel = shipped_panel()
    logits = find_logits(network.module, data)
    classes = _stand_for(network, logits, images)
    study = Study(
        model=choice.model,
        latent_map=network.latent_map,
        logits=logits,
        images=images,
        partners=draw_partners(data, classes, seed=seed),
        data=data,
        panel=_with(panel, judges, data) if judges else panel,
        generator=_generator(network) if digits else None,
        seed=seed,
    )
    return replace(study, beside=tuple(_beside(study, choice, name) for name in beside)), network


def draw_partners(data: LabelledImages, classes: Sequence[int], *, seed: int) -> Selection:
    """For each class a random image of another one; whose latent is to be reached. A class of -1 takes any image."""
    random, name = torch.Generator().manual_seed(seed), "test" if data.name == "mnist-test" else data.name
    rows: list[int] = []
    for label in classes:
        others = (data.labels != label).nonzero()[:, 0]
        if not len(others):
            raise FiberscopeError(
                f"labelled: all {len(data.labels)} images of {data.name} are of class {label}. Give images of at "
                "least two classes."
            )
        rows.append(int(others[torch.randint(len(others), (), generator=random)]))
    return Selection(data.images[rows], tuple(f"{name} {row}" for row in rows), tuple(data.labels[rows].tolist()))


def find_logits(module: nn.Module, data: LabelledImages) -> Logits | None:
    """The whole network, if its output is one number a class; of a user's own, if the largest mostly is the label's."""
    if not isinstance(module, models.Classifier) and not _reads(module, data):
        return None

    def logits(images: Tensor) -> Tensor:
        output: Tensor = module(images)
        return output

    return logits


def _reads(module: nn.Module, data: LabelledImages) -> bool:
    like = next(iter(module.parameters()), torch.empty(0))
    # Spread over the whole: labelled images often come class by class.
    some = torch.linspace(0, len(data.labels) - 1, min(_SOME, len(data.labels))).long()
    with torch.no_grad():
        output = module(data.images[some].to(like.device, like.dtype))
    labels = data.labels[some]
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] <= int(labels.max()):
        return False
    commonest = float(labels.bincount().max()) / len(labels)
    return float((output.argmax(dim=1).cpu() == labels).double().mean()) > max(0.5, commonest)


def _check_size(network: Network) -> tuple[int, ...]:
    latent_map = network.latent_map
    if latent_map.latent_size >= latent_map.input_size:
        raise FiberscopeError(
            f"layer: the latent at {network.layer} has {latent_map.latent_size} numbers for images of "
            f"{latent_map.input_size}, so nothing has to be invisible. Name a later layer."
        )
    return latent_map.input_shape


def _read_labelled(path: Path | None, shape: tuple[int, ...]) -> LabelledImages:
    if path is None:
        raise FiberscopeError(
            f"labelled: no labelled images of shape {shape} ship, so nothing says how far apart two classes are. Give "
            "a folder with a folder of PNG files for each class, or an npz archive with the arrays images and labels."
        )
    if len(shape) != 3:
        raise FiberscopeError(f"labelled: files hold images (channels, height, width), the network takes {shape}.")
    return load_labelled(path, shape=(shape[0], shape[1], shape[2]))


def _stand_for(network: Network, logits: Logits | None, images: Selection) -> list[int]:
    if logits is None:
        return [-1 if label is None else label for label in images.labels]
    classes: list[int] = read_classes(network.latent_map, logits, images.images).tolist()
    return classes


def _generator(network: Network) -> Generator:
    latent_map = network.latent_map
    return models.load(GENERATOR, Generator).to(latent_map.device, latent_map.dtype)


def _with(panel: Panel | None, judges: Sequence[str], data: LabelledImages) -> Panel:
    classes = int(data.labels.max()) + 1
    own = tuple(_judge(name, data.images[:2], classes) for name in judges)
    if panel is None:
        return Panel(own)
    weights = panel.weights or (1.0,) * len(panel.judges)
    each = sum(weights) / len(weights)  # a judge of the user's weighs as much as one that ships does on average
    return replace(panel, judges=(*panel.judges, *own), weights=(*weights, *(each for _ in own)))


def _judge(name: str, images: Tensor, classes: int) -> ModuleJudge:
    """A network as a judge, tried on two images: one that cannot judge is refused before anything is computed."""
    module = models.resolve(name)
    try:
        with torch.no_grad():
            found = tuple(module(images).shape)
    except (RuntimeError, ValueError, TypeError) as error:
        raise FiberscopeError(
            f"judge: {name} does not take images of shape {tuple(images.shape[1:])} ({error}). Give a network of such "
            "images."
        ) from error
    if found != (len(images), classes):
        raise FiberscopeError(
            f"judge: {name} answers two images with shape {found}, wanted (2, {classes}): one number for each of the "
            f"{classes} classes. Give a classifier of these classes."
        )
    return from_module(module, name=Path(name).name, num_classes=classes)


def _beside(study: Study, choice: NetworkChoice, name: str) -> Study:
    """Another network, asked about the same images."""
    shape = study.latent_map.input_shape
    other = open_network(NetworkChoice(name, input_shape=shape, dtype=choice.dtype, device=choice.device))
    return replace(
        study, model=name, latent_map=other.latent_map, logits=find_logits(other.module, study.data), beside=()
    )
