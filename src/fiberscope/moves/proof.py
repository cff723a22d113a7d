"""Proofs that no image in the box has a latent: what is not proven may still be reachable."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.geometry.box_step import box_step
from fiberscope.geometry.differentiate import differentiate
from fiberscope.geometry.enclosure import enclose
from fiberscope.moves.task import Task
from fiberscope.problem import LatentMap

_CHUNK = 32  # rows at a time: bounds of all that a network computes are kept
_WITNESSES = 8  # points of the box at which bounds and affine prediction are held against the network itself
_MARGIN = 64.0  # units of rounding beyond what the bounds contain already
_ROUNDING = 4.0  # times the width that rounding alone gives the bounds of one point


def out_of_reach(latent_map: LatentMap, rows: Float[Tensor, "stuck n"], task: Task) -> Bool[Tensor, " stuck"]:
    """Whether it is proven that no point within the bounds of a row has a latent in its ball, to its tolerance.

    Proven in one of two ways, rounding included: bounds of the latents over the box leave the ball out; or the map is
    affine, and along one direction of latents the target lies beyond all that the box allows (duality of the bounded
    least squares problem). False says nothing.

    References:
        Boyd and Vandenberghe (2004), Convex Optimization, section 5.8 (theorems of alternatives).
    """
    parts = torch.split(torch.arange(len(rows), device=rows.device), _CHUNK)
    return torch.cat([_prove(latent_map, rows[part], task.take(part)) for part in parts])


def _prove(latent_map: LatentMap, rows: Float[Tensor, "some n"], task: Task) -> Bool[Tensor, " some"]:
    bounds = enclose(latent_map, rows, task.lower, task.upper)
    if bounds is None:
        return torch.zeros_like(task.radius, dtype=torch.bool)
    points = _witnesses(rows, task)
    with torch.no_grad():
        seen = torch.stack([latent_map(each) for each in points])
    honest = ((seen >= bounds.lower) & (seen <= bounds.upper)).all(dim=2).all(dim=0)
    gap = (task.targets - bounds.upper).maximum(bounds.lower - task.targets).clamp_min(0.0)
    allowed = task.radius + 2 * task.tolerance + _MARGIN * torch.finfo(rows.dtype).eps * task.targets.norm(dim=1)
    beyond = gap.norm(dim=1) > allowed
    if bounds.affine and not bool(beyond.all()):
        beyond = beyond | _beyond_affine(latent_map, rows, task, allowed, points, seen)
    proven: Tensor = honest & beyond
    return proven


def _witnesses(rows: Float[Tensor, "some n"], task: Task) -> list[Float[Tensor, "some n"]]:
    low = torch.where(task.lower.isfinite(), task.lower, rows - 1)
    high = torch.where(task.upper.isfinite(), task.upper, rows + 1)
    generator = torch.Generator().manual_seed(0)
    draws = torch.rand(_WITNESSES, rows.shape[1], generator=generator, dtype=torch.float64).to(rows)
    # Some in corners: that is where bounds and targets out of reach meet.
    draws[: _WITNESSES // 2].round_()
    return [(low + draw * (high - low)).maximum(low).minimum(high) for draw in draws]


def _beyond_affine(
    latent_map: LatentMap,
    rows: Float[Tensor, "some n"],
    task: Task,
    allowed: Float[Tensor, " some"],
    points: list[Float[Tensor, "some n"]],
    seen: Float[Tensor, "witness some m"],
) -> Bool[Tensor, " some"]:
    """Whether a direction u of latents has ``u·(z - f(x))`` above all ``u·J (y - x)`` with y in the box."""
    latents, differential = differentiate(latent_map, rows)
    wanted = task.targets - latents
    lower, upper = task.lower - rows, task.upper - rows
    left = box_step(differential, wanted, lower, upper, rtol=torch.zeros_like(allowed)).shortfall
    direction = torch.nn.functional.normalize(left, dim=1)
    slope = differential.pull(direction)
    # Zero times an open side of the box is zero.
    most = torch.where(slope == 0, 0.0, (slope * lower).maximum(slope * upper)).sum(dim=1)
    gap = (direction * wanted).sum(dim=1) - most
    rounding = _rounding(latent_map, rows, task, torch.stack(points))
    predicted = torch.stack([latents + differential.push(point - rows) for point in points])
    exact = ((predicted - seen).norm(dim=2) <= rounding).all(dim=0)
    proven: Tensor = exact & (gap > allowed + rounding)
    return proven


def _rounding(
    latent_map: LatentMap, rows: Float[Tensor, "some n"], task: Task, points: Float[Tensor, "witness some n"]
) -> Float[Tensor, " some"]:
    """How far rounding may take latents in this box: the width of the bounds of single points, some of them extreme."""
    low, high = points.amin(dim=0).minimum(rows), points.amax(dim=0).maximum(rows)
    largest = torch.where(high.abs() > low.abs(), high, low)
    width = torch.zeros_like(task.radius)
    for point in (rows, largest):
        bounds = enclose(latent_map, point, point, point)
        wide = torch.full_like(width, torch.inf) if bounds is None else (bounds.upper - bounds.lower).norm(dim=1)
        width = width.maximum(wide)
    return _ROUNDING * width
