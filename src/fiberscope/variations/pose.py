"""Pose of a face: small turns of a generic head about its own middle."""

from __future__ import annotations

import math

import torch

from fiberscope.variations.geometric import Grid, Motion, moving
from fiberscope.variations.head import generic_head
from fiberscope.variations.variation import Variation

_MOST = 20.0
_DEGREE = math.pi / 180


def pose(height: int, width: int) -> tuple[Variation, ...]:
    """Yaw and pitch of a face that fills the image, as warps by the depth of a generic head.

    A point at x with depth z goes to ``x cos a + z sin a``; each pixel looks back from where it is by the depth there,
    which is exact to first order in the angle. The wall behind turns along.
    """
    depth = generic_head(height, width).depth

    def look_back(place: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
        angle = amount * _DEGREE
        # (x - z sin a) / cos a - x
        return place * (1 / angle.cos() - 1) - depth.to(amount) * torch.tan(angle)

    def still(amount: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(amount)

    def rate(grid: Grid) -> torch.Tensor:
        return -_DEGREE * depth.to(grid.down)

    yaw = Motion(lambda grid, amount: (still(amount), look_back(grid.right, amount)), lambda grid: (0.0, rate(grid)))
    pitch = Motion(lambda grid, amount: (look_back(grid.down, amount), still(amount)), lambda grid: (rate(grid), 0.0))
    return (
        moving("yaw", "°", _MOST, yaw, "Turns the face to the right of the image."),
        moving("pitch", "°", _MOST, pitch, "Lowers the face."),
    )
