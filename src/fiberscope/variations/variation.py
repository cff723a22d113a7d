"""A variation: a named change of images by an amount that a person can read, its orbit and its tangent."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.problem import Box, FiberscopeError
from fiberscope.variations.checks import check_change, check_derivative, check_identity

# Share of the range that a difference quotient spans: its own error and the rounding in it are both small there.
_SPAN = {torch.float32: 1e-2, torch.float64: 1e-4}
_AGREEMENT = 0.05


class Orbit(NamedTuple):
    """What a variation makes of images at each amount, brought into the box.

    ``clipped`` is the share of the change that the box took away, ``|T x - clip(T x)| / |T x - x|``, 0 without change.
    """

    images: Float[Tensor, "amount batch ..."]
    clipped: Float[Tensor, "amount batch"]


@dataclass(frozen=True)
class Variation:
    """Images changed by an amount: ``apply(images, amounts)`` takes one amount a row and leaves them as they are at 0.

    Amounts are in ``unit`` (such as "px", "°", "%"), and from ``low`` to ``high`` a person would try them; where one
    of the two is 0, the variation goes one way only. ``apply`` need not keep to the box, `orbit` does.
    ``derivative(images)``, where you know it, is the change of image per unit of amount at 0; `tangent` believes it,
    and without it differentiates ``apply``, which takes many times as long. Raises `FiberscopeError` for a range
    without 0; a function that returns another shape, NaN, or a changed image at amount 0 is refused when it is used.
    """

    name: str
    unit: str
    low: float
    high: float
    apply: Callable[[Tensor, Tensor], Tensor]
    sentence: str = ""
    derivative: Callable[[Tensor], Tensor] | None = None

    def __post_init__(self) -> None:
        """Refuse a range that does not hold 0."""
        if not self.name:
            raise FiberscopeError("name: expected a word for the variation, found an empty one.")
        if not (-math.inf < self.low <= 0 <= self.high < math.inf and self.low < self.high):
            raise FiberscopeError(
                f"low, high: variation {self.name!r} has the range {self.low} to {self.high}. Give finite amounts with "
                "0 (nothing changes) between them, or at one end."
            )

    def grid(self, per_side: int = 4) -> tuple[float, ...]:
        """So many equal steps from 0 to each end that the range has, in ascending order, 0 among them."""
        if per_side < 1:
            raise FiberscopeError(f"per_side: expected at least 1 step, found {per_side}.")
        down = [self.low * i / per_side for i in range(per_side, 0, -1)] if self.low else []
        up = [self.high * i / per_side for i in range(1, per_side + 1)] if self.high else []
        return (*down, 0.0, *up)

    def changed(
        self, images: Float[Tensor, "batch ..."], amounts: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch ..."]:
        """``T_a(x)`` row by row as the function gives it, checked, not clipped; the images given stay as they are."""
        changed: Tensor = self._applied(images, amounts)
        check_change(self.name, changed, images, amounts)
        return changed

    def _applied(self, images: Float[Tensor, "batch ..."], amounts: Float[Tensor, " batch"]) -> Any:
        """What the function returns, whatever it is; what it raises names the variation. It is not asked about none."""
        if len(images) == 0:
            return images.clone()
        try:
            # A function may work in place: it gets images and amounts of its own.
            return self.apply(images.clone(), amounts.clone())
        except Exception as error:
            raise FiberscopeError(
                f"variation {self.name!r}: its function raised {type(error).__name__}: {error} It was given images "
                f"{tuple(images.shape)} and amounts (batch,) = {tuple(amounts.shape)}; to mix amounts with images "
                "(batch, channels, h, w), bring them into shape with amounts.view(-1, 1, 1, 1)."
            ) from error

    def orbit(
        self, images: Float[Tensor, "batch ..."], amounts: Float[Tensor, " amount"], *, box: Box | None = None
    ) -> Orbit:
        """All images at all amounts, clipped to the box, [0, 1] unless given."""
        images = images.detach()
        self.check(images)
        lower, upper = bounds_of(images, box)
        changed = torch.stack([self.changed(images, amount.expand(len(images))) for amount in amounts.to(images)])
        inside = changed.maximum(lower).minimum(upper)
        lost, moved = (inside - changed).flatten(2).norm(dim=2), (changed - images).flatten(2).norm(dim=2)
        return Orbit(inside, torch.where(moved > 0, lost / moved, 0.0))

    def tangent(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """``dT_a(x)/da`` at 0, not clipped: change of image per unit of amount.

        The variation's own derivative if it has one (``dataclasses.replace(variation, derivative=None)`` is the same
        variation without, to compare). Otherwise forward-mode differentiation where torch sees through
        the function, and where difference quotients of the function confirm it; the difference quotient elsewhere (at
        kinks, or for a function that leaves torch), one-sided if the range is. An image that does not change has a
        tangent of zeros.
        """
        images = images.detach()
        if self.derivative is not None:
            return self._derived(self.derivative, images)
        self.check(images)
        step = _SPAN.get(images.dtype, 1e-2) * (self.high - self.low)
        quotient = self._quotient(images, step)
        exact = self._forward_mode(images)
        if exact is None:
            return quotient
        size = quotient.flatten(1).norm(dim=1)
        # What rounding alone can put into the quotient is no disagreement.
        slack = 100 * torch.finfo(images.dtype).eps * (1 + images.flatten(1).norm(dim=1)) / step
        agrees = (exact - quotient).flatten(1).norm(dim=1) <= _AGREEMENT * size + slack
        return torch.where(agrees.view(-1, *[1] * (images.ndim - 1)), exact, quotient)

    def _derived(
        self, derivative: Callable[[Tensor], Tensor], images: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch ..."]:
        """What the derivative returns, checked; what it raises names the variation. It is not asked about none."""
        if len(images) == 0:
            return images.clone()
        try:
            tangent = derivative(images.clone())
        except Exception as error:
            raise FiberscopeError(
                f"variation {self.name!r}: its derivative raised {type(error).__name__}: {error} It was given images "
                f"{tuple(images.shape)}."
            ) from error
        check_derivative(self.name, tangent, images)
        return tangent.detach()

    def check(self, images: Float[Tensor, "batch ..."]) -> None:
        """Raise `FiberscopeError` if the function changes images at amount 0, or returns what is no image."""
        check_identity(self.name, self.changed(images, _amounts(0.0, images)), images)

    def _quotient(self, images: Float[Tensor, "batch ..."], step: float) -> Float[Tensor, "batch ..."]:
        """Second-order difference quotient at 0, from the sides that the range has."""
        way = step if self.high > 0 else -step
        ahead = self.changed(images, _amounts(way, images))
        if self.low < 0 < self.high:
            return (ahead - self.changed(images, _amounts(-way, images))) / (2 * way)
        return (4 * ahead - 3 * images - self.changed(images, _amounts(2 * way, images))) / (2 * way)

    def _forward_mode(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."] | None:
        zero = _amounts(0.0, images)
        with warnings.catch_warnings():  # on its first use torch.func.jvp warns of a deprecation inside torch itself
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                change: Tensor = torch.func.jvp(lambda amounts: self._applied(images, amounts), (zero,), (zero + 1,))[1]
            except (FiberscopeError, RuntimeError, TypeError, ValueError):
                return None  # the function worked on plain tensors a moment ago: it is torch that does not see through
        return change.detach()


def bounds_of(images: Float[Tensor, "batch ..."], box: Box | None) -> tuple[Tensor, Tensor]:
    """Lower and upper bound of each pixel, in the images' own shape; the box is [0, 1] unless given."""
    shape = tuple(images.shape[1:])
    lower, upper = (box or Box()).bounds(shape, images)
    return lower.reshape(shape), upper.reshape(shape)


def rounding_of(images: Float[Tensor, "batch ..."]) -> Float[Tensor, " batch"]:
    """The largest change, Euclidean over pixels, that rounding alone can make of each image."""
    size: Tensor = 1 + images.flatten(1).norm(dim=1)
    return 1e3 * torch.finfo(images.dtype).eps * size


def _amounts(amount: float, images: Float[Tensor, "batch ..."]) -> Float[Tensor, " batch"]:
    return torch.full((len(images),), amount, dtype=images.dtype, device=images.device)
