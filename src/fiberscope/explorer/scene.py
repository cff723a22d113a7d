"""What is explored: a network, a set of images, and whatever fits them; opened once, shared by everybody who looks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope import models
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import Network, open_network
from fiberscope.analysis.populations import Coordinates, coordinates
from fiberscope.analysis.selection import is_digit, select
from fiberscope.analysis.study.open_study import GENERATOR, find_logits
from fiberscope.analysis.study.reading import Logits, read
from fiberscope.data import LabelledImages, load_labelled, mnist
from fiberscope.explorer.columns import Column, add_columns, read_columns
from fiberscope.geometry import covariance_factor
from fiberscope.judges import Panel, shipped_panel
from fiberscope.models import Generator
from fiberscope.problem import Box, FiberscopeError, LatentMap
from fiberscope.variations import LatentScale, Variation, catalogue, latent_scale

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
) -> Scene:
    """Open a network and images for it: the test digits, those named by ``images``, or a ``labelled`` set.

    ``records`` is a table (CSV) of an earlier run whose columns images can be sorted by. Raises `FiberscopeError` for
    what does not fit.
    """
    opened = open_network(network)
    latent_map = opened.latent_map
    found = _find_images(latent_map.input_shape, images, labelled)
    here = found.images.to(latent_map.device, latent_map.dtype)
    digits = is_digit(latent_map.input_shape) and labelled is None
    known = None if found.labels is None else LabelledImages(found.images, found.labels, found.data)
    logits = None if known is None else find_logits(opened.module, known)
    reading = read(latent_map, logits, here)
    scale = None if known is None else _scale(reading.latents, known.labels)
    built_in = _built_in(found, reading.classes, reading.probabilities)
    return Scene(
        model=network.model,
        layer=opened.layer,
        weights_sha256=opened.weights_sha256,
        latent_map=latent_map,
        images=here,
        names=found.names,
        data=found.data,
        labels=found.labels,
        logits=logits,
        num_classes=None if logits is None else _count_classes(logits, here),
        panel=shipped_panel() if digits and logits is not None else None,
        natural=_natural(opened) if digits else None,
        scale=scale,
        factor=covariance_factor(latent_map.flatten(here[:_REFERENCES])) if len(here) > 1 else None,
        variations=catalogue(latent_map.input_shape),
        columns=built_in if records is None else add_columns(built_in, read_columns(records, found.names), records),
        box=Box(),
        opened_by=_arguments(network, images=images, labelled=labelled, records=records),
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


class _Found(NamedTuple):
    images: Float[Tensor, "image ..."]
    names: tuple[str, ...]
    labels: Int64[Tensor, " image"] | None
    data: str


def _find_images(shape: tuple[int, ...], images: tuple[str, ...], labelled: Path | None) -> _Found:
    if labelled is not None and images:
        raise FiberscopeError("images, labelled: both are given. Name one set of images to start from.")
    if images:
        chosen = select(images, shape=shape)
        known = [label for label in chosen.labels if label is not None]
        labels = torch.tensor(known) if len(known) == len(chosen.labels) else None
        return _Found(chosen.images, chosen.names, labels, " ".join(images))
    if labelled is not None:
        if len(shape) != 3:
            raise FiberscopeError(f"labelled: files hold images (channels, height, width), the network takes {shape}.")
        own = load_labelled(labelled, shape=(shape[0], shape[1], shape[2]))
        return _Found(own.images, tuple(f"{own.name} {i}" for i in range(len(own.labels))), own.labels, own.name)
    if not is_digit(shape):
        raise FiberscopeError(
            f"images: no images of shape {shape} ship. Name PNG files, a folder or an npz archive by --images, or a "
            "labelled set by --labelled."
        )
    digits = mnist("test")
    return _Found(digits.images, tuple(f"test {i}" for i in range(len(digits.labels))), digits.labels, digits.name)


def _count_classes(logits: Logits, images: Float[Tensor, "image ..."]) -> int:
    with torch.no_grad():
        return logits(images[:1]).shape[1]


def _scale(latents: Float[Tensor, "image m"], labels: Int64[Tensor, " image"]) -> LatentScale | None:
    try:
        return latent_scale(latents, labels)
    except FiberscopeError:  # one class, or one image a class: there is no unit, and no tube
        return None


def _natural(network: Network) -> Natural:
    latent_map = network.latent_map
    generator = models.load(GENERATOR, Generator).to(latent_map.device, latent_map.dtype)
    return Natural(coordinates(generator, latent_map, mass=_MASS), generator.encoder)


def _built_in(
    found: _Found, classes: Int64[Tensor, " image"] | None, probabilities: Float[Tensor, " image"] | None
) -> tuple[Column, ...]:
    columns = [Column("index", "place in the data set", np.arange(len(found.names), dtype=float))]
    if found.labels is not None:
        columns.append(Column("label", "class of the image", found.labels.numpy().astype(float)))
    if classes is not None and probabilities is not None:
        columns.append(Column("network class", "class that the network reads", classes.numpy().astype(float)))
        columns.append(Column("confidence", "probability of that class", probabilities.double().numpy()))
    return tuple(columns)
