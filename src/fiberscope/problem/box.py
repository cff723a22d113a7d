"""The box: bounds that every pixel keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fiberscope.problem.errors import FiberscopeError


@dataclass(frozen=True, eq=False)
class Box:
    """Bounds ``lower <= x <= upper`` on every coordinate of an image; a tensor gives each its own.

    Numbers or tensors that broadcast to one image; ``-inf`` and ``inf`` leave a side open.
    Raises `FiberscopeError` where a bound is NaN or ``lower`` is not below ``upper``.
    """

    lower: float | Tensor = 0.0
    upper: float | Tensor = 1.0

    def __post_init__(self) -> None:
        """Refuse bounds that no image can keep."""
        lower, upper = torch.as_tensor(self.lower), torch.as_tensor(self.upper)
        if not bool((lower < upper).all()):
            raise FiberscopeError(
                f"box: lower must be below upper everywhere, found lower up to {float(lower.max()):.4g} and "
                f"upper down to {float(upper.min()):.4g}. Give Box(lower, upper), for pixels Box(0.0, 1.0); "
                "to hold a pixel still, pass frozen=mask to the move instead."
            )

    def bounds(self, shape: tuple[int, ...], like: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bound of each coordinate of one flat image, in the dtype and on the device of ``like``."""
        return _flat(self.lower, "lower", shape, like), _flat(self.upper, "upper", shape, like)


def _flat(bound: float | Tensor, name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
    values = torch.as_tensor(bound, dtype=like.dtype, device=like.device)
    try:
        return values.expand(shape).reshape(math.prod(shape))
    except RuntimeError:
        raise FiberscopeError(
            f"box: {name} has shape {tuple(values.shape)}, which does not broadcast to one image {shape}. "
            "Give a number, or a tensor of the shape of one image."
        ) from None
