"""What rows have to do in a move, in the terms of the corrector."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Task(NamedTuple):
    """Where rows are to go: a ball around each target (a point for a fiber), and the bounds each row keeps.

    ``tolerance`` is how far outside its ball a row may end.
    """

    targets: Float[Tensor, "batch m"]
    radius: Float[Tensor, " batch"]
    lower: Float[Tensor, "batch n"]
    upper: Float[Tensor, "batch n"]
    tolerance: Float[Tensor, " batch"]

    @property
    def is_tube(self) -> bool:
        """Whether any ball is more than a point; one transfer to the host."""
        return bool((self.radius > 0).any())

    def take(self, index: Int[Tensor, " some"] | Bool[Tensor, " batch"]) -> Task:
        """The same for some of the rows."""
        return Task(*(part[index] for part in self))

    def excess(self, latents: Float[Tensor, "batch m"]) -> Float[Tensor, "batch m"]:
        """The part of ``latents - targets`` that lies outside the ball; all of it for a fiber."""
        residual = latents - self.targets
        norm = residual.norm(dim=1, keepdim=True).clamp_min(torch.finfo(residual.dtype).tiny)
        outside: Tensor = residual * (1 - self.radius[:, None] / norm).clamp_min(0.0)
        return outside

    def arrived(self, excess_norm: Float[Tensor, " batch"]) -> Bool[Tensor, " batch"]:
        """Whether that excess meets what was stated: twice what the corrector aims at."""
        return excess_norm <= 2 * self.tolerance
