"""Which other digit each of the ten digits is paired with."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

KNOWN_CONFUSIONS = ((3, 8), (7, 9), (8, 3), (9, 4))
"""Digits that people and networks mix up; they are paired whatever the seed."""


def choose_partners(*, generator: torch.Generator) -> Int64[Tensor, " digit"]:
    """Draw a partner for each of the ten classes: never itself, each class once, the known confusions kept."""
    partners = dict(KNOWN_CONFUSIONS)
    free = [digit for digit in range(10) if digit not in partners]
    offered = torch.tensor([digit for digit in range(10) if digit not in partners.values()])
    while True:
        drawn = offered[torch.randperm(len(offered), generator=generator)].tolist()
        if all(digit != partner for digit, partner in zip(free, drawn, strict=True)):
            partners |= dict(zip(free, drawn, strict=True))
            return torch.tensor([partners[digit] for digit in range(10)])
