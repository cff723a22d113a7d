"""The linear picture of a tube: an ellipsoid in the row space, without bound in the null space."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.geometry.tangent import TangentSplit


class Ellipsoid(NamedTuple):
    """Changes d of an image with ``|J d| <= radius``: semi-axes along the right singular vectors, strongest first.

    A semi-axis is ``radius / singular value``; infinite past the rank, as is every direction of the null space. The box
    is not in this picture.
    """

    split: TangentSplit
    radius: Float[Tensor, " batch"]

    @property
    def semi_axes(self) -> Float[Tensor, "batch m"]:
        """Half-width along each right singular vector."""
        values = self.split.singular_values
        return torch.where(self._counted(), self.radius[:, None] / values, torch.inf)

    def half_width(self, directions: Float[Tensor, "batch n"]) -> Float[Tensor, " batch"]:
        """How far it reaches along each direction, ``radius / |J v|`` for the unit vector v."""
        unit = torch.nn.functional.normalize(directions, dim=1)
        seen = (self.split.row_basis.transpose(1, 2) @ unit[:, :, None])[:, :, 0]
        speed: Tensor = torch.where(self._counted(), self.split.singular_values * seen, 0.0).norm(dim=1)
        # What rounding leaves of a direction in the null space is no speed.
        least = 8 * torch.finfo(speed.dtype).eps * self.split.singular_values[:, 0]
        return torch.where(speed > least, self.radius / speed, torch.inf)

    def support(self, weights: Float[Tensor, "batch n"]) -> Float[Tensor, " batch"]:
        """The largest change ``w·d`` of a linear functional; infinite if it has a part that the network cannot see."""
        seen = (self.split.row_basis.transpose(1, 2) @ weights[:, :, None])[:, :, 0]
        hidden = self.split.project_tangent(weights).norm(dim=1)
        bounded = hidden <= 1e3 * torch.finfo(weights.dtype).eps * weights.norm(dim=1)
        axes = torch.where(self._counted(), self.semi_axes, 0.0)
        return torch.where(bounded, (seen * axes).norm(dim=1), torch.inf)

    def _counted(self) -> Tensor:
        places = torch.arange(self.split.singular_values.shape[1], device=self.split.rank.device)
        return places < self.split.rank[:, None]


def ellipsoid(split: TangentSplit, radius: float | Float[Tensor, " batch"]) -> Ellipsoid:
    """The ellipsoid around the image at which the split was made, for the tube of that radius around its fiber."""
    values = split.singular_values
    return Ellipsoid(split, torch.as_tensor(radius, dtype=values.dtype, device=values.device).expand(len(values)))
