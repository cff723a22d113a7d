"""Row space and null space of a Jacobian: what the network sees and what it cannot see."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.problem import FiberscopeError
from fiberscope.problem.modes import undisturbed


class TangentSplit(NamedTuple):
    """The thin split of input space at a point; the null space is implied as the complement of the row space.

    ``row_basis`` holds orthonormal columns, the right singular vectors in descending order of ``singular_values``; the
    columns past ``rank`` are zero.
    """

    row_basis: Float[Tensor, "batch n m"]
    singular_values: Float[Tensor, "batch m"]
    rank: Int[Tensor, " batch"]

    def project_normal(self, v: Float[Tensor, "batch n"]) -> Float[Tensor, "batch n"]:
        """The part of v in the row space: what the network sees of it, to first order."""
        return (self.row_basis @ (self.row_basis.transpose(1, 2) @ v[:, :, None]))[:, :, 0]

    def project_tangent(self, v: Float[Tensor, "batch n"]) -> Float[Tensor, "batch n"]:
        """The part of v in the null space, tangent to the fiber: what the network cannot see of it."""
        once = v - self.project_normal(v)
        # Twice is enough (Kahan; Giraud, Langou and Rozložník 2005): one pass leaves rounding of the size of eps |v|.
        return once - self.project_normal(once)


@undisturbed
def split_tangent(jacobian: Float[Tensor, "batch m n"], *, rtol: float | None = None) -> TangentSplit:
    """Split input space at each row into the row space and the null space of its Jacobian.

    Singular values below ``rtol`` times the largest count as zero; the default is max(m, n) times the rounding unit of
    the dtype, as in NumPy. A dead latent or a zero Jacobian lowers the rank and does not fail.

    References:
        Golub and Van Loan (2013), Matrix Computations, section 5.4.
    """
    if not bool(jacobian.isfinite().all()):
        bad = (~jacobian.isfinite().flatten(1).all(dim=1)).nonzero()[:, 0].tolist()
        raise FiberscopeError(f"jacobian: NaN or infinity in rows {bad[:5]}. Split the finite rows alone.")
    m, n = jacobian.shape[1:]
    rtol = max(m, n) * torch.finfo(jacobian.dtype).eps if rtol is None else rtol
    if m > n:
        jacobian = torch.linalg.qr(jacobian, mode="r").R
    # By way of a small triangle: LAPACK's own way from n to m rows takes twenty times as long at two threads.
    columns, triangle = torch.linalg.qr(jacobian.transpose(1, 2))
    turn, values, _ = torch.linalg.svd(triangle)
    basis = columns @ turn
    counted = values > rtol * values[:, :1]
    return TangentSplit(basis * counted[:, None, :], values, counted.sum(dim=1))
