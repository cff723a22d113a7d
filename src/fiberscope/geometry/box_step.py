"""The step nearest to a wish that makes a wanted change of latent inside the box, found on its m-dimensional dual."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.differential import Curvature, Dense, Differential

_MAX_NEWTON_STEPS = 40
_MAX_TRIALS = 16  # along one Newton direction
_OVERSHOT = 0.1  # share of the slope at the start that a trial may have gained on the far side of the minimum
_SHORTER = 0.7  # each trial is at most so long as the last
_NEAR = 1e-4  # relative error below which a Newton step that does not halve it has met rounding


class BoxStep(NamedTuple):
    """A step a row, and the part of the wanted latent change that it leaves undone (to first order)."""

    step: Float[Tensor, "batch n"]
    shortfall: Float[Tensor, "batch m"]


def box_step(
    jacobian: Float[Tensor, "batch m n"] | Differential,
    wanted: Float[Tensor, "batch m"],
    lower: Float[Tensor, "batch n"],
    upper: Float[Tensor, "batch n"],
    *,
    wish: Float[Tensor, "batch n"] | None = None,
    damping: Float[Tensor, " batch"] | None = None,
    radius: Float[Tensor, " batch"] | None = None,
    rtol: Float[Tensor, " batch"] | None = None,
) -> BoxStep:
    """Minimise ``|D - wish|² + |J D - wanted|² / damping`` over ``lower <= D <= upper``, row by row.

    With ``radius`` the change may end anywhere in a ball, ``|J D - wanted| <= radius``; only what lies outside counts.

    As ``damping`` goes to zero, D is the step nearest to ``wish`` (default: none, so the least-norm step) with
    ``J D = wanted``, and the best approach where no step inside the box gets there. ``damping`` has the units of
    ``J Jᵀ``; its default, and least value, is what rounding can tell from zero. A frozen pixel has both bounds zero.
    ``rtol`` is the error of ``J D`` that will do, relative to what goes into it: rounding unless given. J may be a
    matrix a row, or known by its products alone.

    The minimiser is ``D(l) = clip(wish + Jᵀ l, lower, upper)`` for the multiplier l in R^m that minimises a convex
    function, whatever n is: piecewise quadratic, and ``radius |l|`` for the ball. Semismooth Newton finds it; along a
    direction the slope rises monotonely, so that a trial that went too far is mended by the secant of the slope.
    Finished rows leave the batch.

    References:
        Qi and Sun (1993), A nonsmooth version of Newton's method, section 3.
        Li and Swetits (1997), A new algorithm for solving strictly convex quadratic programs.
    """
    differential = Dense(jacobian) if isinstance(jacobian, Tensor) else jacobian
    found = _minimise(_pose(differential, wanted, lower, upper, wish, damping, radius, rtol))
    return BoxStep(found.step, wanted - found.change)


class _Dual(NamedTuple):
    """The negated dual: ``sum_i max_D (pull_i D_i - D_i²/2) - wanted·l + damping |l|²/2 + radius |l|``."""

    differential: Differential
    wanted: Float[Tensor, "batch m"]
    lower: Float[Tensor, "batch n"]
    upper: Float[Tensor, "batch n"]
    wish: Float[Tensor, "batch n"] | None
    damping: Float[Tensor, " batch"]
    ridge: Float[Tensor, " batch"]
    enough: Float[Tensor, " batch"]
    near: Float[Tensor, " batch"]
    radius: Float[Tensor, " batch"] | None

    def take(self, index: Int[Tensor, " some"]) -> _Dual:
        return _Dual(
            self.differential.take(index),
            self.wanted[index],
            self.lower[index],
            self.upper[index],
            None if self.wish is None else self.wish[index],
            self.damping[index],
            self.ridge[index],
            self.enough[index],
            self.near[index],
            None if self.radius is None else self.radius[index],
        )

    def at(self, multiplier: Float[Tensor, "batch m"]) -> _Point:
        pull = self.differential.pull(multiplier)
        if self.wish is not None:
            pull = pull + self.wish
        step = torch.minimum(torch.maximum(pull, self.lower), self.upper)
        change = self.differential.push(step)
        gradient = torch.addcmul(change - self.wanted, self.damping[:, None], multiplier)
        if self.radius is not None:
            gradient = _ball_gradient(gradient, multiplier, self.radius[:, None])
        return _Point(multiplier, step, change, step == pull, gradient)

    def start(self) -> _Point:
        """At the multiplier zero: the wish itself where the box allows it, and where there is none, no step."""
        multiplier = torch.zeros_like(self.wanted)
        if self.wish is not None or self.radius is not None:
            return self.at(multiplier)
        if bool(((self.lower > 0) | (self.upper < 0)).any()):
            return self.at(multiplier)
        still = torch.zeros_like(self.lower)  # the bounds allow it, so that no product with J is needed
        return _Point(multiplier, still, multiplier, torch.ones_like(still, dtype=torch.bool), -self.wanted)

    def curvature(self, multiplier: Float[Tensor, "batch m"]) -> Curvature:
        """Of all but the Gram matrix of the free coordinates."""
        if self.radius is None:
            return Curvature(self.ridge)
        norm = torch.linalg.vector_norm(multiplier, dim=1)
        bend = torch.where(norm > 0, self.radius / norm, 0.0)
        return Curvature(self.ridge, bend, torch.nn.functional.normalize(multiplier, dim=1))


class _Point(NamedTuple):
    """A multiplier, the step that it stands for and the change of latent that this makes, and the slope of the dual."""

    multiplier: Float[Tensor, "batch m"]
    step: Float[Tensor, "batch n"]
    change: Float[Tensor, "batch m"]
    free: Bool[Tensor, "batch n"]
    gradient: Float[Tensor, "batch m"]

    def take(self, index: Int[Tensor, " some"]) -> _Point:
        return _Point(*(part[index] for part in self))


def _pose(
    differential: Differential,
    wanted: Tensor,
    lower: Tensor,
    upper: Tensor,
    wish: Tensor | None,
    damping: Tensor | None,
    radius: Tensor | None,
    rtol: Tensor | None,
) -> _Dual:
    unit = torch.finfo(wanted.dtype)
    norm = differential.norm()
    scale = norm.square() / wanted.shape[1]
    least = scale.clamp_min(unit.tiny**0.5) * unit.eps
    damping = least if damping is None else damping.maximum(least)
    # Where few coordinates are free the Gram matrix is singular; the share of J Jᵀ keeps the step finite.
    ridge = damping + 1e-5 * scale + unit.tiny**0.5
    size: Tensor = torch.linalg.vector_norm(wanted, dim=1)
    if wish is not None:  # rounding of J wish is relative to its factors, since a tangent wish cancels
        size = size + norm * torch.linalg.vector_norm(wish, dim=1)
    enough = (differential.rtol if rtol is None else rtol.clamp_min(differential.rtol)) * size
    near = enough.maximum(_NEAR * size)
    return _Dual(differential, wanted, lower, upper, wish, damping, ridge, enough, near, radius)


def _minimise(dual: _Dual) -> _Point:
    point = dual.start()
    found, origin = point, torch.arange(len(point.step), device=point.step.device)
    error = torch.linalg.vector_norm(point.gradient, dim=1)
    live = error > dual.enough  # a row that is not finite is done
    left = int(live.sum())
    for _ in range(_MAX_NEWTON_STEPS):
        if left == 0:
            break
        if 2 * left <= len(origin):  # a copy of the rows that are left pays from here on
            found = _put(found, origin, point)
            rest = live.nonzero()[:, 0]
            dual, point, origin, error, live = dual.take(rest), point.take(rest), origin[rest], error[rest], live[rest]
        point = _newton_step(dual, point, live if left < len(origin) else None)
        before, error = error, torch.linalg.vector_norm(point.gradient, dim=1)
        live = live & (error > torch.where(error > before / 2, dual.near, dual.enough))
        left = int(live.sum())
    return _put(found, origin, point)


def _put(found: _Point, origin: Int[Tensor, " some"], point: _Point) -> _Point:
    """What was found for all rows, with what is new of some."""
    if len(origin) == len(found.step):
        return point
    return _Point(*(old.index_copy(0, origin, new) for old, new in zip(found, point, strict=True)))


def _newton_step(dual: _Dual, point: _Point, live: Bool[Tensor, " batch"] | None) -> _Point:
    """One step of the rows that are ``live``: of all of them where none is done."""
    if live is None:
        direction = _direction(dual, point)
    else:  # with a right side of zero, conjugate gradients do not wait for rows that are done
        asked = point._replace(gradient=point.gradient.where(live[:, None], 0.0))
        direction = _direction(dual, asked).where(live[:, None], 0.0)
    slope = (direction * point.gradient).sum(dim=1)
    length = torch.ones_like(slope)
    for _ in range(_MAX_TRIALS):
        trial = dual.at(torch.addcmul(point.multiplier, length[:, None], direction))
        far_slope = (direction * trial.gradient).sum(dim=1)
        overshot = far_slope > -_OVERSHOT * slope
        if not bool(overshot.any()):
            break
        secant = -length * slope / (far_slope - slope)
        length = torch.where(overshot, secant.minimum(_SHORTER * length), length)
    return trial


def _direction(dual: _Dual, point: _Point) -> Float[Tensor, "batch m"]:
    newton: Tensor = -dual.differential.solve(point.free, dual.curvature(point.multiplier), point.gradient)
    if dual.radius is None:
        return newton
    # At the kink of the norm only the steepest way is sure to lead down, and Newton's length along it is at hand.
    slope = point.gradient.square().sum(dim=1)
    pulled = dual.differential.pull(point.gradient)
    bend = torch.where(point.free, pulled, 0.0).square().sum(dim=1) + dual.ridge * slope
    steepest = -point.gradient * torch.where(bend > 0, slope / bend, 0.0)[:, None]
    return torch.where((point.multiplier != 0).any(dim=1, keepdim=True), newton, steepest)


def _ball_gradient(gradient: Tensor, multiplier: Tensor, radius: Tensor) -> Float[Tensor, "batch m"]:
    """Add the gradient of ``radius |l|``; at zero, its kink, the shortest of the subgradients."""
    norm = torch.linalg.vector_norm(multiplier, dim=1, keepdim=True)
    size = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    at_zero = gradient * (1 - radius / size.clamp_min(torch.finfo(size.dtype).tiny)).clamp_min(0.0)
    return torch.where(norm > 0, gradient + radius * torch.nn.functional.normalize(multiplier, dim=1), at_zero)
