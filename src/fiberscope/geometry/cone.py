"""The tangent cone of a fiber in a box: invisible directions that do not leave the box."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.geometry.box_step import box_step
from fiberscope.geometry.differential import Dense, Differential


def project_cone(
    jacobian: Float[Tensor, "batch m n"] | Differential,
    directions: Float[Tensor, "batch n"],
    rows: Float[Tensor, "batch n"],
    lower: Float[Tensor, "batch n"],
    upper: Float[Tensor, "batch n"],
) -> Float[Tensor, "batch n"]:
    """Nearest direction v to each given one with ``J v = 0`` that points out of no face of the box active at ``rows``.

    Zero where the cone is empty in that direction, as in a corner of the box.

    References:
        Nocedal and Wright (2006), Numerical Optimization, section 12.2.
    """
    infinity = torch.full_like(rows, torch.inf)
    none = torch.zeros_like(rows)
    at_most = torch.where(rows >= upper, none, infinity)
    at_least = torch.where(rows <= lower, none, -infinity)
    differential = Dense(jacobian) if isinstance(jacobian, Tensor) else jacobian
    still = rows.new_zeros(len(rows), differential.latent_size)
    return box_step(differential, still, at_least, at_most, wish=directions).step
