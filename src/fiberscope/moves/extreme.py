"""Extremes of a linear functional over a fiber or a tube: a pixel, a patch, all the ink."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.jacobian import linearise
from fiberscope.geometry.linear_extreme import linear_extreme, stride_across
from fiberscope.moves.arguments import check_count, check_tensor
from fiberscope.moves.descent import descend
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.setup import Setup, set_up
from fiberscope.moves.verdict import judge
from fiberscope.problem import Fiber, FiberscopeError, LatentMap, Tube
from fiberscope.problem.modes import undisturbed


class Extreme(NamedTuple):
    """For each row the point of the fiber or tube with the most, or the least, of the functional that was found.

    ``value`` is the functional there, ``linear`` what the linearisation at the image predicts in the same box.
    ``stationarity`` is as in `nearest`: 0 where no direction that the fiber allows improves the value.
    """

    points: Float[Tensor, "batch ..."]
    value: Float[Tensor, " batch"]
    linear: Float[Tensor, " batch"]
    residual_norm: Float[Tensor, " batch"]
    tolerance: Float[Tensor, " batch"]
    stationarity: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]
    outcome: tuple[Outcome, ...]
    surrogate_gradient: bool = False

    def raise_if_failed(self) -> Extreme:
        """The result itself; raises `MoveFailedError` with the advice for the rows that failed."""
        raise_if_failed(self.outcome)
        return self


class Extremes(NamedTuple):
    """Both ends of what the functional can be."""

    lowest: Extreme
    highest: Extreme


@undisturbed
def extremes(
    fiber: Fiber | Tube,
    images: Float[Tensor, "batch ..."],
    weights: Float[Tensor, "..."],
    *,
    frozen: Bool[Tensor, "..."] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    num_steps: int = 60,
) -> Extremes:
    """Minimise and maximise ``sum(weights * x)`` over the fiber, from each image, by descent along it.

    ``weights`` have the shape of one image, or one an image: 1 at a pixel, 1/k on a patch of k pixels for its mean.
    Both extremes are local. Where the box does not bound the functional, the point is as far as the steps carried it.
    Raises `FiberscopeError` for bad input.

    References:
        Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix Manifolds, chapter 4.
    """
    check_count("num_steps", num_steps, least=0)
    setup = set_up(fiber, images, frozen=frozen, rtol=rtol, atol=atol)
    up = _check_weights(fiber.latent_map, weights, setup.rows)
    ends = [_ascend(fiber, setup, way, num_steps) for way in (-up, up)]
    values = [(up * fiber.latent_map.flatten(end.points)).sum(dim=1) for end in ends]
    linear = [-ends[0].linear, ends[1].linear]
    return Extremes(*(end._replace(value=v, linear=p) for end, v, p in zip(ends, values, linear, strict=True)))


def _check_weights(latent_map: LatentMap, weights: Tensor, rows: Float[Tensor, "batch n"]) -> Float[Tensor, "batch n"]:
    check_tensor("weights", weights)
    shape = latent_map.input_shape
    if tuple(weights.shape) not in (shape, (len(rows), *shape)):
        raise FiberscopeError(
            f"weights: expected the shape of one image {shape}, or {(len(rows), *shape)}, found {tuple(weights.shape)}."
        )
    flat = weights.detach().to(rows).expand(len(rows), *shape).reshape(rows.shape)
    if not bool(flat.isfinite().all()) or bool((flat == 0).all(dim=1).any()):
        raise FiberscopeError("weights: all zero, or not finite, for some image. Weigh at least one pixel.")
    return flat


def _ascend(fiber: Fiber | Tube, setup: Setup, weights: Float[Tensor, "batch n"], num_steps: int) -> Extreme:
    latent_map, (rows, task, tolerance) = fiber.latent_map, setup
    stride = stride_across(task.lower - rows, task.upper - rows)
    found = descend(latent_map, rows, task, _Slope(weights, stride), num_steps=num_steps, gtol=1e-3)
    ended, norm, outcome = judge(latent_map, found.rows, task, tolerance)
    latents, jacobian = linearise(latent_map, rows)
    step = linear_extreme(
        jacobian,
        task.targets - latents,
        task.lower - rows,
        task.upper - rows,
        weights,
        radius=task.radius if bool((task.radius > 0).any()) else None,
    )
    return Extreme(
        latent_map.unflatten(ended),
        (weights * ended).sum(dim=1),
        (weights * (rows + step)).sum(dim=1),
        norm,
        tolerance,
        found.stationarity,
        found.num_jacobians,
        outcome,
        latent_map.surrogate_gradient,
    )


class _Slope(NamedTuple):
    """Minus a linear functional, one a group; its wish crosses a good part of the box."""

    weights: Float[Tensor, "batch n"]
    stride: Float[Tensor, " batch"]

    def value(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, " group"]:
        return -(self.weights[groups] * rows[:, 0]).sum(dim=1)

    def wish(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, "group 1 n"]:
        unit = torch.nn.functional.normalize(self.weights[groups], dim=1)
        return (self.stride[groups, None] * unit)[:, None].expand_as(rows)
