"""What every move checks and prepares at its door."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.moves.arguments import check_mask, is_number
from fiberscope.moves.task import Task
from fiberscope.problem import Box, Fiber, FiberscopeError, LatentMap, Tube
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
    if not isinstance(fiber, Fiber | Tube):
        raise FiberscopeError(f"fiber: expected a Fiber or a Tube, found {type(fiber).__name__}.")
    latent_map = fiber.latent_map
    check_in_box(latent_map, latent_map.check_images(images), fiber.box)
    rows = latent_map.flatten(images.detach()).clone()
    targets = fiber.targets(rows.shape[0])
    lower, upper = (bound.expand_as(rows) for bound in _bounds_inside(fiber.box, latent_map, rows))
    if frozen is not None:
        held = expand_mask(frozen, latent_map, rows)
        lower, upper = torch.where(held, rows, lower), torch.where(held, rows, upper)
    rows = rows.maximum(lower).minimum(upper)
    tolerance = _tolerance(targets, rtol, atol)
    radius = fiber.radii(rows.shape[0])
    # The ball aimed at is a little smaller than the tube, so that every row that arrives keeps the bound itself.
    inset = torch.where(radius > 0, tolerance.maximum(_INSET * radius).minimum(radius / 2), 0.0)
    bound = torch.where(radius > 0, radius, tolerance)
    slack = torch.where(radius > 0, inset, tolerance)
    # Half, so that the rounding of another batch size does not lift a residual over what was stated.
    return Setup(rows, Task(targets, radius - inset, lower, upper, slack / 2), bound)


def expand_mask(
    frozen: Bool[Tensor, "..."], latent_map: LatentMap, rows: Float[Tensor, "batch n"]
) -> Bool[Tensor, "batch n"]:
    """The mask of frozen pixels as flat rows; raises `FiberscopeError` for one of another shape or dtype."""
    shape = latent_map.input_shape
    mask = check_mask(frozen, shape, len(rows))
    return mask.to(rows.device).expand(len(rows), *shape).reshape(rows.shape)


def _bounds_inside(box: Box, latent_map: LatentMap, rows: Float[Tensor, "batch n"]) -> tuple[Tensor, Tensor]:
    """The bounds in the dtype of the rows, none outside what was stated in a finer one."""
    lower, upper = box.bounds(latent_map.input_shape, rows)
    exact_lower, exact_upper = box.bounds(latent_map.input_shape, rows.new_empty(0, dtype=torch.float64))
    infinity = torch.full_like(lower, torch.inf)
    inner_lower = torch.where(lower < exact_lower, lower.nextafter(infinity), lower)
    inner_upper = torch.where(upper > exact_upper, upper.nextafter(-infinity), upper)
    empty = inner_lower > inner_upper  # narrower than a unit of rounding
    return torch.where(empty, lower, inner_lower), torch.where(empty, upper, inner_upper)


def _tolerance(targets: Float[Tensor, "batch m"], rtol: float | None, atol: float) -> Float[Tensor, " batch"]:
    if rtol is None:
        if targets.dtype not in DEFAULT_RTOL:
            raise FiberscopeError(f"rtol: no default for {targets.dtype}. Name one, or use float32 or float64.")
        rtol = DEFAULT_RTOL[targets.dtype]
    numbers = is_number(rtol) and is_number(atol)
    if not (numbers and rtol >= 0 and atol >= 0 and 0 < rtol + atol < float("inf")):
        raise FiberscopeError(
            f"rtol, atol: expected finite, non-negative and not both zero, found rtol={rtol}, atol={atol}."
        )
    # A target of norm zero has no relative size; a thousandth of the unit stands in for it.
    size = targets.double().norm(dim=1)
    # In double precision: a tolerance that overflows would let everything pass.
    tolerance = (rtol * torch.where(size > 0, size, 1e-3)).clamp(atol, torch.finfo(targets.dtype).max)
    return tolerance.to(targets.dtype)
