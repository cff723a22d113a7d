"""A study of ten digits that the shipped classifier reads right, one a class, each with another as its partner."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.demo.partners import choose_partners
from fiberscope.analysis.network import Network
from fiberscope.analysis.selection import select
from fiberscope.analysis.study.open_study import open_study
from fiberscope.analysis.study.study import Study


def open_ten_digits(*, seed: int) -> tuple[Study, Network]:
    """Open the shipped classifier on ten test digits that it reads right, drawn with the seed."""
    study, network = open_study(NetworkChoice(), select(("0",), shape=(1, 28, 28)), seed=seed)
    chosen = choose_digits(study.data.labels, study.hits, generator=study.rng())
    digits = select([str(row) for row in chosen.tolist()], shape=(1, 28, 28))
    return replace(study, images=digits, partners=digits.take(choose_partners(generator=study.rng()).tolist())), network


def choose_digits(
    labels: Int64[Tensor, " image"], hits: Bool[Tensor, " image"], *, generator: torch.Generator
) -> Int64[Tensor, " digit"]:
    """Draw one image of each class among those read right."""
    places = [(hits & (labels == label)).nonzero()[:, 0] for label in sorted(set(labels.tolist()))]
    return torch.stack([some[torch.randint(len(some), (), generator=generator)] for some in places])
