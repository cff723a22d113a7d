"""The step nearest to a wish that makes a wanted change of latent inside the box, found on its m-dimensional dual."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_MAX_NEWTON_STEPS = 40
_MAX_HALVINGS = 12
_ARMIJO = 1e-4
_NEAR = 1e-4  # relative error below which a Newton step that gains nothing has met rounding


class BoxStep(NamedTuple):
    """A step a row, and the part of the wanted latent change that it leaves undone (to first order)."""

    step: Float[Tensor, "batch n"]
    shortfall: Float[Tensor, "batch m"]


def box_step(
    jacobian: Float[Tensor, "batch m n"],
    wanted: Float[Tensor, "batch m"],
    lower: Float[Tensor, "batch n"],
    upper: Float[Tensor, "batch n"],
    *,
    wish: Float[Tensor, "batch n"] | None = None,
    damping: Float[Tensor, " batch"] | None = None,
) -> BoxStep:
    """Minimise ``|D - wish|² + |J D - wanted|² / damping`` over ``lower <= D <= upper``, row by row.

    As ``damping`` goes to zero, D is the step nearest to ``wish`` (default: none, so the least-norm step) with
    ``J D = wanted``, and the best approach where no step inside the box gets there. ``damping`` has the units of
    ``J Jᵀ``; its default, and least value, is what rounding can tell from zero. A frozen pixel has both bounds zero.

    The minimiser is ``D(l) = clip(wish + Jᵀ l, lower, upper)`` for the multiplier l in R^m that minimises a convex,
    piecewise quadratic function, whatever n is. Semismooth Newton with an Armijo search finds it.

    References:
        Qi and Sun (1993), A nonsmooth version of Newton's method, section 3.
        Li and Swetits (1997), A new algorithm for solving strictly convex quadratic programs.
    """
    scale = jacobian.square().sum(dim=(1, 2)) / jacobian.shape[1]
    unit = torch.finfo(jacobian.dtype)
    least = scale.clamp_min(unit.tiny**0.5) * unit.eps
    damping = least if damping is None else damping.maximum(least)
    dual = _Dual(jacobian, wanted, lower, upper, wish, damping, scale)
    size = _size(dual)
    point = dual.at(torch.zeros_like(wanted))
    error = point.gradient.norm(dim=1)
    for _ in range(_MAX_NEWTON_STEPS):
        point = _newton_step(dual, point)
        before, error = error, point.gradient.norm(dim=1)
        at_rounding = (error <= _NEAR * size) & (error > before / 2)
        if bool((at_rounding | (error <= 8 * unit.eps * size)).all()):
            break
    shortfall = wanted - (jacobian @ point.step[:, :, None])[:, :, 0]
    return BoxStep(point.step, shortfall)


class _Point(NamedTuple):
    multiplier: Float[Tensor, "batch m"]
    step: Float[Tensor, "batch n"]
    free: Bool[Tensor, "batch n"]
    value: Float[Tensor, " batch"]
    gradient: Float[Tensor, "batch m"]


class _Dual(NamedTuple):
    """The negated dual function: ``sum_i max_D (pull_i D_i - D_i²/2) - wanted·l + damping |l|²/2``."""

    jacobian: Float[Tensor, "batch m n"]
    wanted: Float[Tensor, "batch m"]
    lower: Float[Tensor, "batch n"]
    upper: Float[Tensor, "batch n"]
    wish: Float[Tensor, "batch n"] | None
    damping: Float[Tensor, " batch"]
    scale: Float[Tensor, " batch"]

    def at(self, multiplier: Float[Tensor, "batch m"]) -> _Point:
        pull = (multiplier[:, None] @ self.jacobian)[:, 0]
        if self.wish is not None:
            pull = pull + self.wish
        step = pull.maximum(self.lower).minimum(self.upper)
        damped = self.damping[:, None] * multiplier
        value = (step * (pull - step / 2)).sum(dim=1) + (multiplier * (damped / 2 - self.wanted)).sum(dim=1)
        gradient = (self.jacobian @ step[:, :, None])[:, :, 0] + damped - self.wanted
        return _Point(multiplier, step, step == pull, value, gradient)

    def hessian(self, free: Bool[Tensor, "batch n"]) -> Float[Tensor, "batch m m"]:
        gram = (self.jacobian * free[:, None]) @ self.jacobian.transpose(1, 2)
        # Where few coordinates are free the Gram matrix is singular; the share of J Jᵀ keeps the step finite.
        ridge = self.damping + 1e-5 * self.scale + torch.finfo(gram.dtype).tiny ** 0.5
        hessian: Tensor = gram + ridge[:, None, None] * torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
        return hessian


def _newton_step(dual: _Dual, point: _Point) -> _Point:
    direction = -torch.linalg.solve(dual.hessian(point.free), point.gradient)
    slope = (direction * point.gradient).sum(dim=1)
    slack = point.value.abs() * 10 * torch.finfo(slope.dtype).eps
    length = torch.ones_like(slope)
    for _ in range(_MAX_HALVINGS):
        trial = dual.at(point.multiplier + length[:, None] * direction)
        too_long = trial.value > point.value + _ARMIJO * length * slope + slack
        if not bool(too_long.any()):
            break
        length = torch.where(too_long, length / 2, length)
    return trial


def _size(dual: _Dual) -> Float[Tensor, " batch"]:
    """What errors are relative to; rounding of ``J wish`` is relative to the factors, since a tangent wish cancels."""
    size: Tensor = torch.linalg.vector_norm(dual.wanted, dim=1)
    if dual.wish is None:
        return size
    wish = torch.linalg.vector_norm(dual.jacobian, dim=(1, 2)) * torch.linalg.vector_norm(dual.wish, dim=1)
    return size + torch.as_tensor(wish)
