"""Images with the class of each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images with intensities in [0, 1], the class of each, and the name of the set they come from."""

    images: Float[Tensor, "image channel height width"]
    labels: Int64[Tensor, " image"]
    name: str


def one_per_class(labelled: LabelledImages) -> Int64[Tensor, " class"]:
    """Find the index of the first image of each class, in the order of the classes."""
    labels = labelled.labels.tolist()
    return torch.tensor([labels.index(label) for label in sorted(set(labels))], dtype=torch.int64)
