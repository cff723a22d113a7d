"""A generic head in front of an image plane: how far each pixel of a face stands out, and which way it faces."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

# In shares of the image's height, from its middle: an ellipsoid with a nose and two eye sockets.
_HALF_WIDTH, _HALF_HEIGHT, _DEPTH = 0.37, 0.50, 0.34
_RIM = 0.06  # over so much of the squared radius the ellipsoid runs out into the wall behind it


class Bump(NamedTuple):
    """A Gaussian in depth: its middle, its spreads and its height, in shares of the image's height."""

    down: float
    right: float
    high: float
    wide: float
    depth: float


NOSE = Bump(0.08, 0.0, 0.090, 0.050, 0.110)
SOCKETS = (Bump(-0.06, -0.15, 0.045, 0.065, -0.035), Bump(-0.06, 0.15, 0.045, 0.065, -0.035))
MOUTH = Bump(0.25, 0.0, 0.06, 0.13, 0.0)


class Head(NamedTuple):
    """Depth toward the viewer in pixels, and the unit normal of the surface: right, down, toward the viewer."""

    depth: Float[Tensor, "h w"]
    normal: Float[Tensor, "3 h w"]


def generic_head(height: int, width: int) -> Head:
    """The head of a face that fills the image upright, in float64; the wall behind it has depth 0 and faces front."""
    down, right = places(height, width)
    inside = 1 - (right / _HALF_WIDTH).square() - (down / _HALF_HEIGHT).square()
    # A smooth stand-in for the positive part, so that the rim has normals too.
    roof = (inside + (inside.square() + _RIM**2).sqrt()) / 2
    depth = _DEPTH * roof.sqrt() * height
    for bump in (NOSE, *SOCKETS):
        depth = depth + bump.depth * height * window(bump, height, width)
    slope_down, slope_right = torch.gradient(depth)
    normal = torch.stack([-slope_right, -slope_down, torch.ones_like(depth)])
    return Head(depth, torch.nn.functional.normalize(normal, dim=0))


def places(height: int, width: int) -> tuple[Float[Tensor, "h 1"], Float[Tensor, "1 w"]]:
    """Where pixels stand, downward and to the right of the middle, in shares of the image's height."""
    down, right = (torch.arange(side, dtype=torch.float64) - (side - 1) / 2 for side in (height, width))
    return down[:, None] / height, right[None] / height


def window(bump: Bump, height: int, width: int) -> Float[Tensor, "h w"]:
    """The Gaussian of that middle and those spreads, 1 at its top."""
    down, right = places(height, width)
    return torch.exp(-((down - bump.down) / bump.high).square() / 2 - ((right - bump.right) / bump.wide).square() / 2)
