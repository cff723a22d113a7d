"""Latents by their direction alone: cosine geometry."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Direction(nn.Module):
    """A network whose latent is divided by its length, ``z / |z|``: fibers of what a cosine compares.

    All latents lie on the unit sphere, so that a Jacobian has rank m - 1 at most: its rows see no change of length.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.training = network.training  # not train(): that would reach into the network

    def forward(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
        """Unit vectors."""
        latents: Tensor = self.network(images)
        directions: Tensor = latents / torch.linalg.vector_norm(latents, dim=1, keepdim=True)
        return directions
