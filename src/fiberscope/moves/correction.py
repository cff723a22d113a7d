"""What correcting rows onto their fibers gives, whichever way it is done."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor


class Correction(NamedTuple):
    """The best point that each row reached, how far outside its ball its latent is, and the Jacobians that it cost.

    ``at_rounding`` marks rows short of their tolerance that no step in this dtype brings nearer. Where no Jacobian is
    formed, ``num_jacobians`` counts the points at which products with it were taken.
    """

    rows: Float[Tensor, "batch n"]
    residual_norm: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]
    at_rounding: Bool[Tensor, " batch"]
