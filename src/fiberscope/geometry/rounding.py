"""How much of a latent is rounding: what no step can improve in this dtype."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.problem import LatentMap

_PROBES = 4
_MARGIN = 4.0  # measured on six networks: the largest of four probes is 0.5 to 2 times the true error of a forward pass


def rounding_level(latent_map: LatentMap, rows: Float[Tensor, "batch n"]) -> Float[Tensor, " batch"]:
    """A bound on the error of ``f(x)``, in the norm of the latent: a residual below it says nothing.

    Measured, not derived: the most that the latent moves when every coordinate moves by its unit of rounding, up or
    down by a fixed series of signs, times a margin for the rounding inside the network.

    References:
        Chaitin-Chatelin and Frayssé (1996), Lectures on Finite Precision Computations, chapter 8 (random perturbation).
    """
    unit = torch.finfo(rows.dtype).eps * rows.abs().amax(dim=1, keepdim=True).clamp_min(1.0)
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (_PROBES, 1, rows.shape[1]), generator=generator) * 2 - 1
    moved = rows + unit * signs.to(rows)
    with torch.no_grad():
        latents = latent_map(rows)
        change = torch.stack([(latent_map(probe) - latents).norm(dim=1) for probe in moved])
    return _MARGIN * change.amax(dim=0)
