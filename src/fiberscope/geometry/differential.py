"""The derivative of a latent map at rows of points, as a linear map: a matrix a row, or products with it."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Curvature(NamedTuple):
    """What is added to a Gram matrix: ``(diagonal + bend) I - bend a aᵀ``, with ``a`` the unit vector ``along``."""

    diagonal: Float[Tensor, " batch"]
    bend: Float[Tensor, " batch"] | None = None
    along: Float[Tensor, "batch m"] | None = None

    def push(self, vectors: Float[Tensor, "batch m"]) -> Float[Tensor, "batch m"]:
        """Its product with a vector a row."""
        if self.bend is None or self.along is None:
            return self.diagonal[:, None] * vectors
        shadow = (self.along * vectors).sum(dim=1, keepdim=True) * self.along
        return self.diagonal[:, None] * vectors + self.bend[:, None] * (vectors - shadow)

    def add_to(self, gram: Float[Tensor, "batch m m"]) -> Float[Tensor, "batch m m"]:
        """The sum with a matrix a row, in place."""
        gram.diagonal(dim1=1, dim2=2).add_(self.diagonal[:, None])
        if self.bend is not None and self.along is not None:
            gram.diagonal(dim1=1, dim2=2).add_(self.bend[:, None])
            gram.baddbmm_((self.bend[:, None] * self.along)[:, :, None], self.along[:, None], alpha=-1)
        return gram


@runtime_checkable
class Differential(Protocol):
    """J a row, known by its products with vectors."""

    @property
    def rtol(self) -> float:
        """The relative error to which systems with it are worth solving."""
        ...

    @property
    def latent_size(self) -> int:
        """How many latents there are."""
        ...

    def push(self, steps: Float[Tensor, "batch n"]) -> Float[Tensor, "batch m"]:
        """Pushforward ``J v``: the change of latent that a step makes, to first order."""
        ...

    def pull(self, covectors: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """Pullback ``Jᵀ u``."""
        ...

    def norm(self) -> Float[Tensor, " batch"]:
        """Frobenius norm, or an estimate of it."""
        ...

    def solve(
        self, free: Bool[Tensor, "batch n"], added: Curvature, right: Float[Tensor, "batch m"]
    ) -> Float[Tensor, "batch m"]:
        """Solve ``(J diag(free) Jᵀ + added) u = right``."""
        ...

    def take(self, index: Int[Tensor, " some"] | Bool[Tensor, " batch"]) -> Differential:
        """The same for some of the rows."""
        ...


class Dense(NamedTuple):
    """J as a matrix a row."""

    matrix: Float[Tensor, "batch m n"]

    @property
    def rtol(self) -> float:
        """A few units of rounding."""
        return 8 * torch.finfo(self.matrix.dtype).eps

    @property
    def latent_size(self) -> int:
        """How many latents there are."""
        return self.matrix.shape[1]

    def push(self, steps: Float[Tensor, "batch n"]) -> Float[Tensor, "batch m"]:
        """``J v``."""
        return torch.bmm(self.matrix, steps[:, :, None])[:, :, 0]

    def pull(self, covectors: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """``Jᵀ u``."""
        return torch.bmm(covectors[:, None], self.matrix)[:, 0]

    def norm(self) -> Float[Tensor, " batch"]:
        """Frobenius norm."""
        norm: Tensor = torch.linalg.vector_norm(self.matrix, dim=(1, 2))
        return norm

    def solve(
        self, free: Bool[Tensor, "batch n"], added: Curvature, right: Float[Tensor, "batch m"]
    ) -> Float[Tensor, "batch m"]:
        """By elimination in the m x m matrix."""
        gram = torch.bmm(self.matrix * free[:, None], self.matrix.transpose(1, 2))
        solved: Tensor = torch.linalg.solve_ex(added.add_to(gram), right)[0]
        return solved

    def take(self, index: Int[Tensor, " some"] | Bool[Tensor, " batch"]) -> Dense:
        """The same for some of the rows."""
        return Dense(self.matrix[index])
