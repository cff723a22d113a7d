"""Coordinates that cannot leave the mass of a generator's prior."""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.stats import chi
from torch import Tensor, nn

from fiberscope.problem.errors import ModelError

_POWER = 6  # high enough to leave the middle as it is, low enough for steps near the rim to have an effect
_RIM = 0.97


class PriorBall(nn.Module):
    """All of R^k onto the open ball that holds a share ``mass`` of the standard normal distribution.

    ``u = v / (1 + (|v| / R)^6)^(1/6)``: in most of the ball next to nothing changes, and however far v goes, u stays
    within R. So a fiber of a network after a generator needs no box to stay where the generator was trained.
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
        share = free.square().sum(dim=1, keepdim=True) / self.radius**2
        inside: Tensor = free * (1 + share ** (_POWER / 2)) ** (-1 / _POWER)
        return inside

    def inverse(self, inside: Float[Tensor, "batch k"]) -> Float[Tensor, "batch k"]:
        """The free coordinates of points; those farther out are drawn in to 0.97 of the ball's radius first."""
        norm = torch.linalg.vector_norm(inside, dim=1, keepdim=True)
        drawn = inside * (_RIM * self.radius / norm).clamp_max(1.0)
        share = drawn.square().sum(dim=1, keepdim=True) / self.radius**2
        free: Tensor = drawn * (1 - share ** (_POWER / 2)) ** (-1 / _POWER)
        return free
