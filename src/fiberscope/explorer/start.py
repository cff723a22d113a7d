"""What a scene is made of: a network, images to start from, and what is known of them, named or from a survey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import Network, open_network
from fiberscope.analysis.selection import is_digit, select
from fiberscope.analysis.subject import Subject, is_face, kind_for, open_subject
from fiberscope.explorer.columns import Column
from fiberscope.problem import FiberscopeError
from fiberscope.variations.kinds import Kind


class Start(NamedTuple):
    """The name of a network and itself open, images, and the numbers that a survey has of them.

    ``subject`` is None where nothing is known of images of that shape, ``labels`` where one has none. ``kind`` is that
    of the variations.
    """

    model: str
    network: Network
    subject: Subject | None
    images: Float[Tensor, "image ..."]
    names: tuple[str, ...]
    labels: Int64[Tensor, " image"] | None
    data: str
    kind: Kind
    measured: tuple[Column, ...] = ()


def start_at(
    choice: NetworkChoice,
    images: tuple[str, ...],
    labelled: Path | None,
    survey: Path | None,
    wanted: Kind | None,
    *,
    trust: bool = False,
) -> Start:
    """Open the network; images are those that are named, or all of the labelled set, by default the test digits.

    A ``survey`` brings all of it; ``trust`` lets the Python files run that it names. Raises FiberscopeError for what
    does not fit.
    """
    if survey is not None:
        _refuse_besides(choice, images, labelled)
        found = _start_at_survey(survey, choice.device, trust=trust)
        return found._replace(kind=wanted or found.kind)
    if labelled is not None and images:
        raise FiberscopeError("images, labelled: both are given. Name one set of images to start from.")
    network = open_network(choice)
    shape = network.latent_map.input_shape
    kind = kind_for(choice.model, wanted)
    fitting = labelled is not None or is_digit(shape) or (not images and is_face(shape, kind))
    subject = open_subject(network, labelled=labelled, kind=kind) if fitting else None
    if images:
        chosen = select(images, shape=shape)
        labels = _all_known(chosen.labels)
        return Start(choice.model, network, subject, chosen.images, chosen.names, labels, " ".join(images), kind)
    if subject is None:
        raise FiberscopeError(
            f"images: no images of shape {shape} ship. Name pictures, a folder or an npz archive by --images, or a "
            "labelled set by --labelled."
        )
    data = subject.reference
    prefix = "test" if subject.digits else data.name
    names = tuple(f"{prefix} {i}" for i in range(len(data.labels)))
    return Start(choice.model, network, subject, data.images, names, data.labels, data.name, kind)


def _start_at_survey(folder: Path, device: str, *, trust: bool) -> Start:
    # Surveys need packages that the explorer does without.
    from fiberscope.survey.plan import read_plan  # noqa: PLC0415
    from fiberscope.survey.reading import numbers, open_records  # noqa: PLC0415
    from fiberscope.survey.reopen import refuse_changed_files, reopen_scene  # noqa: PLC0415
    from fiberscope.survey.trust import python_files, refuse_strangers, remember  # noqa: PLC0415

    plan = read_plan(folder, argument="survey")
    open_records(folder, argument="survey").close()  # an edited plan opens nothing
    refuse_changed_files(plan, argument="survey")
    if trust:
        remember(python_files(plan))
    else:
        refuse_strangers(plan, argument="survey", again=f"fiberscope explore --trust --survey {quote(str(folder))}")
    # Opened first: whether there are as many images as the plan says decides the size of the columns.
    scene = reopen_scene(plan, device=device, argument="survey")
    measured = tuple(
        Column(each.name, each.meaning, each.values, each.unit)
        for each in numbers(folder, argument="survey")
        if each.name not in ("image", "label")  # the scene's own columns are these
    )
    every = scene.source.read(range(scene.source.count))
    labels = _all_known(every.labels)
    return Start(
        plan.model, scene.network, scene, every.images, every.names, labels, plan.data, plan.variations, measured
    )


def _refuse_besides(choice: NetworkChoice, images: tuple[str, ...], labelled: Path | None) -> None:
    changed = [
        each.name
        for each in fields(NetworkChoice)
        if each.name != "device" and getattr(choice, each.name) != each.default
    ]
    besides = [*changed, *(["images"] if images else []), *(["labelled"] if labelled else [])]
    if besides:
        told = ", ".join(besides).replace("_", "-")
        raise FiberscopeError(
            f"survey, {told}: the survey brings its own network and images. Name the survey alone, or what it is "
            "without it."
        )


def _all_known(labels: Sequence[int | None]) -> Int64[Tensor, " image"] | None:
    known = [label for label in labels if label is not None]
    return torch.tensor(known) if len(known) == len(labels) else None
