"""From what a user names to what the questions are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import Network, open_network
from fiberscope.analysis.seat import seat
from fiberscope.analysis.selection import Selection, select
from fiberscope.analysis.study.reading import Logits, read_classes
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.subject import find_logits, kind_for, open_subject
from fiberscope.data import LabelledImages
from fiberscope.judges import Panel
from fiberscope.problem import FiberscopeError
from fiberscope.variations.kinds import Kind


def open_study(
    choice: NetworkChoice,
    images: Selection | Sequence[str],
    *,
    seed: int,
    panel: Panel | None = None,
    judges: Sequence[str] = (),
    beside: Sequence[str] = (),
    labelled: Path | None = None,
    variations: Kind | None = None,
) -> tuple[Study, Network]:
    """Open the network and whatever fits its images: labelled data, judges, a generator, networks to compare with.

    ``images`` are a selection, or the sources of one in the shape that the network takes. ``panel`` replaces the
    judges that ship; ``judges`` are networks that sit on the panel beside them, ``beside`` those to compare with, each
    named as a model is. ``labelled`` replaces the test digits, and with them the judges and the generator of digits;
    ``variations`` is a kind of them, by default what suits the network. Raises FiberscopeError for what does not fit
    the images.
    """
    if len({choice.model, *beside}) < 1 + len(beside):
        raise FiberscopeError(
            f"beside: found {', '.join(beside)} beside {choice.model}. Name each network once, and not the one under "
            "study."
        )
    network = open_network(choice)
    _check_size(network)
    if not isinstance(images, Selection):
        images = select(images, shape=network.latent_map.input_shape)
    subject = open_subject(network, labelled=labelled, kind=kind_for(choice.model, variations))
    data, panel = subject.reference, subject.panel if panel is None else panel
    classes = _stand_for(network, subject.logits, images)
    study = Study(
        model=choice.model,
        latent_map=network.latent_map,
        logits=subject.logits,
        images=images,
        partners=draw_partners(data, classes, seed=seed),
        data=data,
        panel=seat(panel, judges, data),
        generator=subject.generator,
        seed=seed,
        kind=subject.kind,
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
    names, labels = tuple(f"{name} {row}" for row in rows), tuple(data.labels[rows].tolist())
    return Selection(data.images[rows], names, labels, (name == "test",) * len(rows))


def _check_size(network: Network) -> None:
    latent_map = network.latent_map
    if latent_map.latent_size >= latent_map.input_size:
        raise FiberscopeError(
            f"layer: the latent at {network.layer} has {latent_map.latent_size} numbers for images of "
            f"{latent_map.input_size}, so nothing has to be invisible. Name a later layer."
        )


def _stand_for(network: Network, logits: Logits | None, images: Selection) -> list[int]:
    if logits is None:
        return [-1 if label is None else label for label in images.labels]
    classes: list[int] = read_classes(network.latent_map, logits, images.images).tolist()
    return classes


def _beside(study: Study, choice: NetworkChoice, name: str) -> Study:
    """Another network, asked about the same images."""
    shape = study.latent_map.input_shape
    other = open_network(NetworkChoice(name, input_shape=shape, dtype=choice.dtype, device=choice.device))
    return replace(
        study, model=name, latent_map=other.latent_map, logits=find_logits(other.module, study.data), beside=()
    )
