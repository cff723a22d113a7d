"""The few images of a survey that its report shows: read where they are, and what was found beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.selection import is_digit
from fiberscope.data import load_labelled, mnist
from fiberscope.problem import FiberscopeError
from fiberscope.survey.images import read_images
from fiberscope.survey.plan import Plan
from fiberscope.survey.source import Source, open_source

_CHANNELS = (1, 3)


class Triple(NamedTuple):
    """Images of a survey, their partners of another class, and what is nearest to these on the fiber of each."""

    images: Float[Tensor, "shown ..."]
    partners: Float[Tensor, "shown ..."]
    found: Float[Tensor, "shown ..."]


def can_be_drawn(plan: Plan) -> bool:
    """Whether images of the survey's shape are pictures, grey or in colour."""
    return len(plan.input_shape) == 3 and plan.input_shape[0] in _CHANNELS


def originals(plan: Plan, places: Sequence[int], names: Sequence[str]) -> Float[Tensor, "shown ..."]:
    """The images at these places of the data, and no others.

    Raises FiberscopeError where the data are gone, or are others than those surveyed.
    """
    source = _open(plan)
    return _read(source, plan, places, names)


def triples(
    folder: Path, plan: Plan, places: Sequence[int], names: Sequence[str], partners: Sequence[int | None]
) -> Triple:
    """The same with partners and what `nearest` found; raises FiberscopeError as `originals` does."""
    source = _open(plan)
    images = _read(source, plan, places, names)
    if plan.labelled is not None:
        reference = load_labelled(Path(plan.labelled), shape=(images.shape[1], images.shape[2], images.shape[3])).images
    else:
        reference = mnist("test").images if is_digit(plan.input_shape) else _labelled(source)
    if any(partner is None or not 0 <= partner < len(reference) for partner in partners):
        raise FiberscopeError("labelled: the labelled images are others than those that the survey drew partners from.")
    found = torch.from_numpy(read_images(folder, "found", places)).float()
    return Triple(images, reference[list(partners)].float(), found.clamp(0, 1))


def _open(plan: Plan) -> Source:
    source = open_source(plan.data, shape=plan.input_shape)
    # A folder of pictures is known by the names of those shown: to hash them all would read them all.
    if not Path(plan.data).is_dir() and source.sha256 != plan.data_sha256:
        raise FiberscopeError(f"data: {plan.data} holds other images than those surveyed.")
    return source


def _read(source: Source, plan: Plan, places: Sequence[int], names: Sequence[str]) -> Float[Tensor, "shown ..."]:
    if any(place >= source.count or source.name_of(place) != name for place, name in zip(places, names, strict=True)):
        raise FiberscopeError(f"data: {plan.data} holds other images than those surveyed.")
    read = [source.read(range(place, place + 1)).images for place in places]
    return torch.cat(read).float().clamp(0, 1)


def _labelled(source: Source) -> Float[Tensor, "image ..."]:
    if source.labelled is None:
        raise FiberscopeError("labelled: the labelled images of the survey are not where they were.")
    return source.labelled.images
