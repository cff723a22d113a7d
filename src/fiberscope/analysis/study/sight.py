"""What the network sees around each image, and what it cannot see."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.analysis.study.naming import MOST_SHOWN
from fiberscope.analysis.study.parts import parts
from fiberscope.geometry.bases import data_basis, invisible_share
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.tangent import split_tangent
from fiberscope.problem import LatentMap

NUM_DIRECTIONS = 4


class Sight(NamedTuple):
    """Row space and null space at each image, on the CPU; variances are shares of the variance of the labelled data.

    ``row_basis`` is that of the first images alone, those of the pictures. ``random_share`` and ``best_share`` say what
    would be invisible if the network saw as many directions at random, or the principal components of the data.
    """

    singular_values: Float[Tensor, "image m"]
    rank: Int[Tensor, " image"]
    row_basis: Float[Tensor, "shown n m"]
    unseen: Float[Tensor, "image k n"]
    unseen_shares: Float[Tensor, "image k"]
    invisible_share: Float[Tensor, " image"]
    random_share: float
    best_share: float

    def seen(self, count: int) -> Float[Tensor, "shown count n"]:
        """The directions that the network sees most strongly."""
        return self.row_basis[:, :, :count].transpose(1, 2)


def see(latent_map: LatentMap, images: Float[Tensor, "image ..."], factor: Float[Tensor, "n r"]) -> Sight:
    """Split the space of images at each image into what the network sees and what it cannot see."""
    m, n = latent_map.latent_size, latent_map.input_size
    count = min(NUM_DIRECTIONS, n - m, factor.shape[1])
    # The factor's columns are principal axes in descending order.
    variances = factor.square().sum(dim=0).cpu()
    rows = []
    for part in parts(len(images)):
        split = split_tangent(jacobian(latent_map, images[part]))
        basis = data_basis(split, factor, count=count)
        shown = split.row_basis[: max(0, MOST_SHOWN - part.start)]
        unseen = more_ink(basis.directions)
        values = (split.singular_values, split.rank, shown, unseen, basis.weights, invisible_share(split, factor))
        rows.append([tensor.cpu() for tensor in values])
    strengths, rank, row_basis, unseen, weights, invisible = (torch.cat(column) for column in zip(*rows, strict=True))
    return Sight(
        singular_values=strengths,
        rank=rank,
        row_basis=row_basis,
        unseen=unseen,
        unseen_shares=weights / variances.sum(),
        invisible_share=invisible,
        random_share=1 - m / n,
        best_share=float(variances[m:].sum() / variances.sum()),
    )


def more_ink(directions: Float[Tensor, "image k n"]) -> Float[Tensor, "image k n"]:
    """Each direction turned so that it adds ink."""
    # An eigenvector has no sign of its own; one that adds ink makes pictures and walks of ten digits alike.
    return directions * torch.where(directions.sum(dim=2, keepdim=True) < 0, -1.0, 1.0)
