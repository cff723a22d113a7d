"""What is explored: a network, a set of images, and whatever fits them; opened once, shared by everybody who looks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.populations import Coordinates, coordinates
from fiberscope.analysis.reference import factor_of, spread
from fiberscope.analysis.study.reading import Best, Logits, read_best
from fiberscope.analysis.subject import Subject
from fiberscope.explorer.columns import Column, add_columns, read_columns
from fiberscope.explorer.start import Start, start_at
from fiberscope.judges import Panel
from fiberscope.problem import Box, FiberscopeError, LatentMap
from fiberscope.variations import LatentScale, Variation, variations_for
from fiberscope.variations.kinds import Kind

RTOL = 1e-4
"""Residual, relative to the size of the target, up to which an image counts as on the fiber."""

_REFERENCES = 2000  # images whose variation counts as real
_MASS = 0.9  # of the generator's prior


class Natural(NamedTuple):
    """A generator's coordinates, and the way from an image into them."""

    coordinates: Coordinates
    encode: torch.nn.Module


@dataclass(frozen=True, eq=False)
class Scene:
    """A network with its latent map, images to start from, and what is known about them.

    ``labels``, ``logits`` (the whole network, where it reads classes), ``panel``, ``natural`` and ``scale`` are None
    where there are none. ``factor`` is how the images vary, ``opened_by`` what `open_scene` was given, as Python text.
    """

    model: str
    layer: str
    weights_sha256: str | None
    latent_map: LatentMap
    images: Float[Tensor, "image ..."]
    names: tuple[str, ...]
    data: str
    labels: Int64[Tensor, " image"] | None
    logits: Logits | None
    num_classes: int | None
    panel: Panel | None
    natural: Natural | None
    scale: LatentScale | None
    factor: Float[Tensor, "n r"] | None
    variations: tuple[Variation, ...]
    columns: tuple[Column, ...]
    box: Box
    opened_by: tuple[str, ...]


def open_scene(
    network: NetworkChoice = NetworkChoice(),  # noqa: B008  (a frozen value)
    *,
    images: tuple[str, ...] = (),
    labelled: Path | None = None,
    records: Path | None = None,
    survey: Path | None = None,
    variations: Kind | None = None,
    trust: bool = False,
) -> Scene:
    """Open a network and images for it: the test digits, those named by ``images``, or a ``labelled`` set.

    ``survey`` is a survey's folder, and brings its network, its images and columns that these can be sorted by;
    ``trust`` lets Python files run that it names and that the user did not name or trust before. ``records`` is a table
    (CSV) of another run that brings columns; ``variations`` is a kind of them. Raises `FiberscopeError` for what does
    not fit.
    """
    start = start_at(network, images, labelled, survey, variations, trust=trust)
    latent_map, subject = start.network.latent_map, start.subject
    logits = None if subject is None else subject.logits
    here = start.images.to(latent_map.device, latent_map.dtype)
    columns = _built_in(start, None if logits is None else read_best(latent_map, logits, here))
    if survey is not None:
        columns = add_columns(columns, start.measured, "survey")
    if records is not None:
        columns = add_columns(columns, read_columns(records, start.names), records.stem)
    return Scene(
        model=start.model,
        layer=start.network.layer + (" (surrogate gradient)" if start.network.latent_map.surrogate_gradient else ""),
        weights_sha256=start.network.weights_sha256,
        latent_map=latent_map,
        images=here,
        names=start.names,
        data=start.data,
        labels=start.labels,
        logits=logits,
        num_classes=None if logits is None else _count_classes(logits, here),
        panel=None if subject is None or logits is None else subject.panel,
        natural=None if subject is None else _natural(subject),
        scale=None if subject is None else _scale(subject),
        factor=_factor(latent_map, start.images if subject is None else subject.reference.images),
        variations=variations_for(start.kind, latent_map.input_shape),
        columns=columns,
        box=Box(),
        opened_by=_arguments(
            network, images=images, labelled=labelled, records=records, survey=survey, variations=variations
        ),
    )


def _arguments(network: NetworkChoice, **others: object) -> tuple[str, ...]:
    changed = [
        f"{each.name}={_quoted(getattr(network, each.name))}"
        for each in fields(NetworkChoice)
        if getattr(network, each.name) != each.default
    ]
    first = (f"NetworkChoice({', '.join(changed)})",)
    return first + tuple(f"{name}={_quoted(value)}" for name, value in others.items() if value)


def _quoted(value: object) -> str:
    return f"Path({str(value)!r})" if isinstance(value, Path) else repr(value)


def _count_classes(logits: Logits, images: Float[Tensor, "image ..."]) -> int:
    with torch.no_grad():
        return logits(images[:1]).shape[1]


def _factor(latent_map: LatentMap, images: Float[Tensor, "image ..."]) -> Float[Tensor, "n r"] | None:
    some = spread(len(images), _REFERENCES)
    return factor_of(latent_map, images[some]) if len(some) > 1 else None


def _scale(subject: Subject) -> LatentScale | None:
    try:
        return subject.scale
    except FiberscopeError:  # one class, or one image a class: there is no unit, and no tube
        return None


def _natural(subject: Subject) -> Natural | None:
    generator = subject.generator
    if generator is None:
        return None
    return Natural(coordinates(generator, subject.latent_map, mass=_MASS), generator.encoder)


def _built_in(start: Start, best: Best | None) -> tuple[Column, ...]:
    columns = [Column("index", "place in the data set", np.arange(len(start.names), dtype=float))]
    if start.labels is not None:
        columns.append(Column("label", "class of the image", start.labels.numpy().astype(float)))
    if best is not None:
        columns.append(Column("network class", "class that the network reads", best.classes.numpy().astype(float)))
        columns.append(
            Column("confidence", "probability of the class that the network reads", best.probabilities.double().numpy())
        )
    return tuple(columns)
