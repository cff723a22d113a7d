"""A memory of training images: a few bytes each, enough to know them again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int8
from torch import Tensor

_NUMBERS = 16
_SEED = 1729
_STEP = 0.25  # of a byte, in pixel norm: 127 of them hold every digit
_NEAR = 0.75  # pixel norm: three grey levels of noise on every pixel are nearer, another digit is farther


@dataclass(frozen=True, eq=False)
class Memory:
    """Random projections of images, which keep distances between them up to a third.

    References:
        Johnson and Lindenstrauss (1984), Extensions of Lipschitz mappings into a Hilbert space.
    """

    signatures: Int8[Tensor, "image number"]

    def seen(self, images: Float[Tensor, "batch 1 28 28"]) -> Bool[Tensor, " batch"]:
        """Rows that are a remembered image, or so near one that only a copy of it can be."""
        if not len(images):
            return torch.zeros(0, dtype=torch.bool)
        return torch.cdist(_project(images), self.signatures * _STEP).amin(dim=1) <= _NEAR


def remember(images: Float[Tensor, "image 1 28 28"]) -> Memory:
    """Keep a signature of each image."""
    return Memory((_project(images) / _STEP).round().clamp(-127, 127).to(torch.int8))


def _project(images: Float[Tensor, "image 1 28 28"]) -> Float[Tensor, "image number"]:
    generator = torch.Generator().manual_seed(_SEED)
    rows = images.flatten(1)
    directions: Tensor = torch.randn(rows.shape[1], _NUMBERS, generator=generator)
    return torch.mm(rows, directions / _NUMBERS**0.5)
