"""Numbers of many images in three: the median and the quartiles, over all or class by class."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.problem import FiberscopeError


class Quartiles(NamedTuple):
    """Lower quartile, median and upper quartile over images, and how many images they rest on.

    An infinite value is larger or smaller than all others, as it is meant where a range was too short to see the end.
    """

    lower: Float[Tensor, "*rows"]
    median: Float[Tensor, "*rows"]
    upper: Float[Tensor, "*rows"]
    num_images: Int[Tensor, "*rows"]


def quartiles(values: Float[Tensor, "*rows image"]) -> Quartiles:
    """The three along the last axis, without the values that are NaN; NaN where none is left."""
    there = ~values.isnan()
    count = there.sum(dim=-1)
    ordered = torch.where(there, values, torch.inf).sort(dim=-1).values
    lower, median, upper = (_at(ordered, share, count) for share in (0.25, 0.5, 0.75))
    return Quartiles(lower, median, upper, count)


def quartiles_by_class(values: Float[Tensor, "*rows image"], labels: Int[Tensor, " image"]) -> dict[int, Quartiles]:
    """The three within each class, by label in ascending order."""
    if len(labels) != values.shape[-1]:
        raise FiberscopeError(f"labels: {len(labels)} for {values.shape[-1]} images. Give one label for each.")
    return {label: quartiles(values[..., labels == label]) for label in sorted(set(labels.tolist()))}


def _at(ordered: Float[Tensor, "*rows image"], share: float, count: Int[Tensor, "*rows"]) -> Float[Tensor, "*rows"]:
    if not ordered.shape[-1]:
        return ordered.new_full(count.shape, torch.nan)
    place = share * (count - 1).clamp_min(0).to(ordered.dtype)
    before, after = place.floor().long(), place.ceil().long()
    low, high = (ordered.gather(-1, at[..., None])[..., 0] for at in (before, after))
    part = place - place.floor()
    # Where both are the same nothing is mixed: infinity times 0 has no value.
    mixed = torch.where(low == high, low, (1 - part) * low + part * high)
    return torch.where(count > 0, mixed, torch.nan)
