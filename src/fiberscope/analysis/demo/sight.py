"""What the network sees around each digit, and what it cannot see."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.geometry.bases import data_basis, invisible_share
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.tangent import TangentSplit, split_tangent
from fiberscope.problem import LatentMap

NUM_DIRECTIONS = 4


class Sight(NamedTuple):
    """Row space and null space at each digit; variances are shares of the variance of the test images.

    ``random_share`` and ``best_share`` say what would be invisible if the network saw as many directions at random, or
    the principal components of the data.
    """

    split: TangentSplit
    unseen: Float[Tensor, "digit k n"]
    unseen_shares: Float[Tensor, "digit k"]
    invisible_share: Float[Tensor, " digit"]
    random_share: float
    best_share: float

    def seen(self, count: int) -> Float[Tensor, "digit count n"]:
        """The directions that the network sees most strongly."""
        return self.split.row_basis[:, :, :count].transpose(1, 2)


def see(latent_map: LatentMap, digits: Float[Tensor, "digit ..."], factor: Float[Tensor, "n r"]) -> Sight:
    """Split the space of images at each digit into what the network sees and what it cannot see."""
    split = split_tangent(jacobian(latent_map, digits))
    basis = data_basis(split, factor, count=NUM_DIRECTIONS)
    m, n = latent_map.latent_size, latent_map.input_size
    # The factor's columns are principal axes in descending order.
    variances = factor.square().sum(dim=0)
    return Sight(
        split=split,
        unseen=_more_ink(basis.directions),
        unseen_shares=basis.weights / variances.sum(),
        invisible_share=invisible_share(split, factor),
        random_share=1 - m / n,
        best_share=float(variances[m:].sum() / variances.sum()),
    )


def _more_ink(directions: Float[Tensor, "digit k n"]) -> Float[Tensor, "digit k n"]:
    # An eigenvector has no sign of its own; one that adds ink makes pictures and walks of ten digits alike.
    return directions * torch.where(directions.sum(dim=2, keepdim=True) < 0, -1.0, 1.0)
