"""Forward-mode differentiation of a map along one direction a row."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel


class NoForwardModeError(Exception):
    """An operator of the map has no forward mode; reverse mode serves instead."""


class Directional(NamedTuple):
    """The values of a map at points, and their change along a direction."""

    latents: Float[Tensor, "batch m"]
    change: Float[Tensor, "batch m"]


def push_forward(
    function: Callable[[Tensor], Tensor], points: Float[Tensor, "batch ..."], directions: Float[Tensor, "batch ..."]
) -> Directional:
    """Returns ``f(x)`` and ``J v`` by one pass with tangents, which keeps no graph.

    Raises `NoForwardModeError` where an operator has no forward mode.
    """
    with (
        warnings.catch_warnings(),
        torch.inference_mode(mode=False),
        torch.no_grad(),
        forward_ad.dual_level(),
        sdpa_kernel(SDPBackend.MATH),  # fused attention has no forward mode
    ):
        # On its first use forward mode warns of a deprecation inside torch itself.
        warnings.simplefilter("ignore", DeprecationWarning)
        dual = forward_ad.make_dual(points.detach().clone(), directions.detach().clone())  # type: ignore[no-untyped-call]
        try:
            latents, change = forward_ad.unpack_dual(function(dual))  # type: ignore[no-untyped-call]
        except (NotImplementedError, RuntimeError) as error:
            raise NoForwardModeError(str(error)) from error
        return Directional(latents.detach(), torch.zeros_like(latents) if change is None else change.detach())
