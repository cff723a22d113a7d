"""What every move checks and prepares at its door."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.moves.task import Task
from fiberscope.problem import Fiber, FiberscopeError, Tube
from fiberscope.problem.fiber import check_in_box

DEFAULT_RTOL = {torch.float32: 1e-5, torch.float64: 1e-10}
"""Residual norm that counts as on the fiber, relative to the norm of the target, by dtype."""


_INSET = 1e-3  # of a tube's radius: how far inside its surface rows are sent


class Setup(NamedTuple):
    """Flat rows in the box, the task that they have, and the bound that ``|f(x) - target|`` has to keep."""

    rows: Float[Tensor, "batch n"]
    task: Task
    tolerance: Float[Tensor, " batch"]


def set_up(
    fiber: Fiber | Tube,
    images: Float[Tensor, "batch ..."],
    *,
    frozen: Bool[Tensor, "..."] | None,
    rtol: float | None,
    atol: float,
) -> Setup:
    """Check images, mask and tolerances; raises `FiberscopeError` that names what is wrong with them."""
    latent_map = fiber.latent_map
    check_in_box(latent_map, latent_map.check_images(images), fiber.box)
    rows = latent_map.flatten(images.detach()).clone()
    targets = fiber.targets(rows.shape[0])
    lower, upper = (bound.expand_as(rows) for bound in fiber.box.bounds(latent_map.input_shape, rows))
    if frozen is not None:
        held = _mask(frozen, latent_map.input_shape, rows)
        lower, upper = torch.where(held, rows, lower), torch.where(held, rows, upper)
    tolerance = _tolerance(targets, rtol, atol)
    radius = fiber.radii(rows.shape[0])
    # The ball aimed at is a little smaller than the tube, so that every row that arrives keeps the bound itself.
    inset = torch.where(radius > 0, tolerance.maximum(_INSET * radius).minimum(radius / 2), 0.0)
    bound = torch.where(radius > 0, radius, tolerance)
    slack = torch.where(radius > 0, inset, tolerance)
    # Half, so that the rounding of another batch size does not lift a residual over what was stated.
    return Setup(rows, Task(targets, radius - inset, lower, upper, slack / 2), bound)


def _tolerance(targets: Float[Tensor, "batch m"], rtol: float | None, atol: float) -> Float[Tensor, " batch"]:
    if rtol is None:
        if targets.dtype not in DEFAULT_RTOL:
            raise FiberscopeError(f"rtol: no default for {targets.dtype}. Name one, or use float32 or float64.")
        rtol = DEFAULT_RTOL[targets.dtype]
    if not (rtol >= 0 and atol >= 0 and 0 < rtol + atol < float("inf")):
        raise FiberscopeError(
            f"rtol, atol: expected finite, non-negative and not both zero, found rtol={rtol}, atol={atol}."
        )
    # A target of norm zero has no relative size; a thousandth of the unit stands in for it.
    size = targets.norm(dim=1)
    return (rtol * torch.where(size > 0, size, 1e-3)).clamp_min(atol)


def _mask(frozen: Bool[Tensor, "..."], shape: tuple[int, ...], rows: Float[Tensor, "batch n"]) -> Bool[Tensor, "..."]:
    if frozen.dtype != torch.bool or tuple(frozen.shape) not in (shape, (rows.shape[0], *shape)):
        raise FiberscopeError(
            f"frozen: expected a boolean mask of shape {shape} or {(rows.shape[0], *shape)}, found {frozen.dtype} of "
            f"shape {tuple(frozen.shape)}."
        )
    return frozen.to(rows.device).expand(rows.shape[0], *shape).reshape(rows.shape)
