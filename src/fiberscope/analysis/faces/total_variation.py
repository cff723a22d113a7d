"""Total variation of a change as a term beside its length, in the form that `nearest` takes as a measure."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

_ROUND = 1e-2  # of black to white: below it total variation is a square, so that it has a gradient at no change


def beside_total_variation(
    image: Float[Tensor, "1 c h w"], *, weight: float
) -> Callable[[Float[Tensor, "batch c h w"]], Float[Tensor, "batch p"]]:
    """A measure in which the distance of x from the image squares to ``|d|² + weight TV(d)`` of ``d = x - image``.

    ``TV`` is the sum over pixels of the length of the gradient, rounded off below a hundredth of black to
    white; edges of the image itself cost nothing.

    References:
        Rudin, Osher and Fatemi (1992), Nonlinear total variation based noise removal algorithms.
    """

    def measure(points: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch p"]:
        change = points - image
        down = torch.nn.functional.pad(change.diff(dim=2), (0, 0, 0, 1))
        right = torch.nn.functional.pad(change.diff(dim=3), (0, 1))
        # sqrt(s + r²) - r, as the square of something smooth: s / (sqrt(s + r²) + r) with s = down² + right².
        root = ((down.square() + right.square() + _ROUND**2).sqrt() + _ROUND).sqrt()
        edges = torch.stack([down / root, right / root], dim=1)
        return torch.cat([change.flatten(1), math.sqrt(weight) * edges.flatten(1)], dim=1)

    return measure
