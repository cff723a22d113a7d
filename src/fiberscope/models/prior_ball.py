"""Coordinates that cannot leave the mass of a generator's prior."""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.stats import chi
from torch import Tensor, nn

from fiberscope.problem.errors import ModelError


class PriorBall(nn.Module):
    """All of R^k onto the open ball that holds a share ``mass`` of the standard normal distribution.

    ``u = v / sqrt(1 + |v|² / R²)``: near the origin nothing changes, and however far v goes, u stays within R. So a
    fiber of a network after a generator needs no box to stay where the generator was trained.
    """

    def __init__(self, size: int, *, mass: float = 0.99):
        super().__init__()
        if not 0 < mass < 1:
            raise ModelError(f"mass is {mass}; give a share of the prior above 0 and below 1")
        self.size = size
        self.mass = mass
        self.radius = float(chi.ppf(mass, df=size))

    def forward(self, free: Float[Tensor, "batch k"]) -> Float[Tensor, "batch k"]:
        """The point of the ball."""
        inside: Tensor = free / (1 + free.square().sum(dim=1, keepdim=True) / self.radius**2).sqrt()
        return inside

    def inverse(self, inside: Float[Tensor, "batch k"]) -> Float[Tensor, "batch k"]:
        """The free coordinates of points; those outside the ball are drawn in to 0.99 of its radius first."""
        norm = torch.linalg.vector_norm(inside, dim=1, keepdim=True)
        drawn = inside * (0.99 * self.radius / norm).clamp_max(1.0)
        free: Tensor = drawn / (1 - drawn.square().sum(dim=1, keepdim=True) / self.radius**2).sqrt()
        return free
