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
    radius: Float[Tensor, " batch"] | None = None,
) -> BoxStep:
    """Minimise ``|D - wish|² + |J D - wanted|² / damping`` over ``lower <= D <= upper``, row by row.

    With ``radius`` the change may end anywhere in a ball, ``|J D - wanted| <= radius``; only what lies outside counts.

    As ``damping`` goes to zero, D is the step nearest to ``wish`` (default: none, so the least-norm step) with
    ``J D = wanted``, and the best approach where no step inside the box gets there. ``damping`` has the units of
    ``J Jᵀ``; its default, and least value, is what rounding can tell from zero. A frozen pixel has both bounds zero.

    The minimiser is ``D(l) = clip(wish + Jᵀ l, lower, upper)`` for the multiplier l in R^m that minimises a convex
    function, whatever n is: piecewise quadratic, and ``radius |l|`` for the ball. Semismooth Newton with an Armijo
    search finds it.

    References:
        Qi and Sun (1993), A nonsmooth version of Newton's method, section 3.
        Li and Swetits (1997), A new algorithm for solving strictly convex quadratic programs.
    """
    scale = jacobian.square().sum(dim=(1, 2)) / jacobian.shape[1]
    unit = torch.finfo(jacobian.dtype)
    least = scale.clamp_min(unit.tiny**0.5) * unit.eps
    damping = least if damping is None else damping.maximum(least)
    dual = _Dual(jacobian, wanted, lower, upper, wish, damping, scale, radius)
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
    """The negated dual: ``sum_i max_D (pull_i D_i - D_i²/2) - wanted·l + damping |l|²/2 + radius |l|``."""

    jacobian: Float[Tensor, "batch m n"]
    wanted: Float[Tensor, "batch m"]
    lower: Float[Tensor, "batch n"]
    upper: Float[Tensor, "batch n"]
    wish: Float[Tensor, "batch n"] | None
    damping: Float[Tensor, " batch"]
    scale: Float[Tensor, " batch"]
    radius: Float[Tensor, " batch"] | None

    def at(self, multiplier: Float[Tensor, "batch m"]) -> _Point:
        pull = (multiplier[:, None] @ self.jacobian)[:, 0]
        if self.wish is not None:
            pull = pull + self.wish
        step = pull.maximum(self.lower).minimum(self.upper)
        damped = self.damping[:, None] * multiplier
        value = (step * (pull - step / 2)).sum(dim=1) + (multiplier * (damped / 2 - self.wanted)).sum(dim=1)
        gradient = (self.jacobian @ step[:, :, None])[:, :, 0] + damped - self.wanted
        if self.radius is not None:
            value = value + self.radius * multiplier.norm(dim=1)
            gradient = _ball_gradient(gradient, multiplier, self.radius[:, None])
        return _Point(multiplier, step, step == pull, value, gradient)

    def hessian(self, point: _Point) -> Float[Tensor, "batch m m"]:
        gram = (self.jacobian * point.free[:, None]) @ self.jacobian.transpose(1, 2)
        # Where few coordinates are free the Gram matrix is singular; the share of J Jᵀ keeps the step finite.
        ridge = self.damping + 1e-5 * self.scale + torch.finfo(gram.dtype).tiny ** 0.5
        unit = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
        hessian: Tensor = gram + ridge[:, None, None] * unit
        if self.radius is not None:
            norm = point.multiplier.norm(dim=1)
            bend = torch.where(norm > 0, self.radius / norm, 0.0)[:, None, None]
            along = torch.nn.functional.normalize(point.multiplier, dim=1)
            hessian = hessian + bend * (unit - along[:, :, None] * along[:, None, :])
        return hessian


def _ball_gradient(gradient: Tensor, multiplier: Tensor, radius: Tensor) -> Float[Tensor, "batch m"]:
    """Add the gradient of ``radius |l|``; at zero, its kink, the shortest of the subgradients."""
    norm = multiplier.norm(dim=1, keepdim=True)
    size = gradient.norm(dim=1, keepdim=True)
    at_zero = gradient * (1 - radius / size.clamp_min(torch.finfo(size.dtype).tiny)).clamp_min(0.0)
    return torch.where(norm > 0, gradient + radius * torch.nn.functional.normalize(multiplier, dim=1), at_zero)


def _direction(dual: _Dual, point: _Point) -> Float[Tensor, "batch m"]:
    hessian = dual.hessian(point)
    newton: Tensor = -torch.linalg.solve(hessian, point.gradient)
    if dual.radius is None:
        return newton
    # At the kink of the norm only the steepest way is sure to lead down, and Newton's length along it is at hand.
    gradient = point.gradient[:, :, None]
    bend = (gradient.transpose(1, 2) @ hessian @ gradient)[:, 0]
    slope = point.gradient.square().sum(dim=1, keepdim=True)
    steepest = -point.gradient * torch.where(bend > 0, slope / bend, 0.0)
    return torch.where((point.multiplier != 0).any(dim=1, keepdim=True), newton, steepest)


def _newton_step(dual: _Dual, point: _Point) -> _Point:
    direction = _direction(dual, point)
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
