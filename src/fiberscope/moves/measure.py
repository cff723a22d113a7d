"""What distances are measured in, when it is not the coordinates of the fiber."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.problem import FiberscopeError, LatentMap


class Measure(NamedTuple):
    """A differentiable function of points in the user's shape, flat on both sides; the identity where none is given."""

    latent_map: LatentMap
    function: Callable[[Float[Tensor, "batch ..."]], Float[Tensor, "batch ..."]] | None

    def __call__(self, rows: Float[Tensor, "batch n"]) -> Float[Tensor, "batch p"]:
        """What the rows look like in the measure."""
        with torch.no_grad():
            return self._apply(rows)

    def pull_back(
        self, rows: Float[Tensor, "batch n"], cotangent: Float[Tensor, "batch p"]
    ) -> Float[Tensor, "batch n"]:
        """Transposed Jacobian of the measure times a vector: which way rows go to make that change."""
        if self.function is None or len(rows) == 0:
            return cotangent
        with torch.enable_grad():
            leaf = rows.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self._apply(leaf), leaf, cotangent)
        return gradient

    def _apply(self, rows: Float[Tensor, "batch n"]) -> Float[Tensor, "batch p"]:
        if self.function is None or len(rows) == 0:  # not every function can be asked about none
            return rows
        seen = self.function(self.latent_map.unflatten(rows))
        if seen.shape[:1] != rows.shape[:1]:
            raise FiberscopeError(
                f"measure: expected a row for each of {rows.shape[0]} points, found shape {tuple(seen.shape)}. It "
                "takes a batch of points and returns a batch of what is compared."
            )
        return seen.flatten(1)
