"""torch's L-BFGS on the same loss, as one would write it without a library."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from benchmarks.speed.networks import Network, Pairs
from benchmarks.speed.recipes import Recipe, error, first, shown
from torch import Tensor


def search(recipe: Recipe, network: Network, pairs: Pairs) -> Iterator[Tensor]:
    variable = first(recipe.box, pairs.starts).requires_grad_(True)
    optimiser = torch.optim.LBFGS([variable], **dict(recipe.options))

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = error(recipe.loss, network.module(shown(recipe.box, variable)), pairs.latents)
        if recipe.penalty:
            loss = loss + recipe.penalty * (variable - variable.clamp(0, 1)).square().sum()
        loss.backward()
        return loss

    while True:
        optimiser.step(closure)
        yield shown(recipe.box, variable.detach())
