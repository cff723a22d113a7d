"""Widths of a tube along the right singular vectors: how many directions the network sees at a scale."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.tangent import split_tangent
from fiberscope.moves.arguments import is_number
from fiberscope.moves.boundary import Boundary, boundary
from fiberscope.problem import FiberscopeError, Tube
from fiberscope.problem.modes import undisturbed


class Widths(NamedTuple):
    """Half of the width of each tube along each right singular vector of its image, the strongest first.

    ``true``, ``linear`` (the semi-axes of the ellipsoid) and ``linear_in_box`` are means over both senses. ``bounded``:
    the tube ended both senses; else the box ended one, and the true width is what the box allows. ``forward`` and
    ``backward`` are the ways themselves. NaN where the Jacobian has no such singular vector.
    """

    true: Float[Tensor, "direction batch"]
    linear: Float[Tensor, "direction batch"]
    linear_in_box: Float[Tensor, "direction batch"]
    bounded: Bool[Tensor, "direction batch"]
    forward: Boundary
    backward: Boundary
    surrogate_gradient: bool = False

    def dimension_seen(self, size: float) -> Int[Tensor, " batch"]:
        """In how many directions the tube itself is narrower than ``size`` each way: a change so large is noticed."""
        return ((self.true < _checked(size)) & self.bounded).sum(dim=0)

    def linear_dimension_seen(self, size: float) -> Int[Tensor, " batch"]:
        """The same, by the ellipsoid: singular values above ``radius / size``."""
        return (self.linear < _checked(size)).sum(dim=0)


@undisturbed
def widths(tube: Tube, images: Float[Tensor, "batch ..."], *, length: float = math.inf) -> Widths:
    """Measure each tube both ways along the right singular vectors of the Jacobian at its image.

    There are ``min(m, n)`` of them; past the rank (a dead latent) none is defined, and the widths there are NaN.
    ``length`` limits the search, and has to be given where the box does not.
    """
    split = split_tangent(jacobian(tube.latent_map, images))
    axes = split.row_basis.permute(2, 0, 1)
    count = len(axes)
    undefined = torch.arange(count, device=axes.device)[:, None] >= split.rank
    # Any direction stands in for one that is not defined, so that the rows beside it are measured.
    axes = torch.where(undefined[:, :, None], torch.ones_like(axes), axes)
    found = boundary(tube, images, torch.cat([axes, -axes]), length=length)
    true, linear, in_box = (
        torch.where(undefined, torch.nan, (both[:count] + both[count:]) / 2)
        for both in (found.distance, found.linear, found.linear_in_box)
    )
    bounded = found.at_surface[:count] & found.at_surface[count:] & ~undefined
    return Widths(
        true,
        linear,
        in_box,
        bounded,
        _part(found, slice(0, count)),
        _part(found, slice(count, None)),
        found.surrogate_gradient,
    )


def _part(found: Boundary, ways: slice) -> Boundary:
    return Boundary(
        found.points[ways],
        found.distance[ways],
        found.residual_norm[ways],
        found.linear[ways],
        found.linear_in_box[ways],
        found.end[ways],
        found.surrogate_gradient,
    )


def _checked(size: float) -> float:
    if not is_number(size) or not size > 0:
        raise FiberscopeError(f"size: expected a positive change of image, in its Euclidean norm, found {size!r}.")
    return size
