"""The tube: all images in the box whose latents lie near a target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.problem.box import Box
from fiberscope.problem.errors import FiberscopeError
from fiberscope.problem.fiber import Fiber
from fiberscope.problem.latent_map import LatentMap


@dataclass(frozen=True, eq=False)
class Tube:
    """The neighbourhood ``{x in box : |f(x) - target| <= radius}`` of a fiber; one radius, or ``(batch,)``, one a row.

    The radius is in units of the latent (Euclidean norm); a share of the median distance within a class is one that a
    person can read: `fiberscope.variations.latent_scale` measures it. Raises `FiberscopeError` for a radius that is not
    positive and finite.
    """

    fiber: Fiber
    radius: float | Float[Tensor, " batch"]

    def __post_init__(self) -> None:
        """Check the radius at the door."""
        if not isinstance(self.radius, int | float | Tensor):
            raise FiberscopeError(
                f"radius: expected a number or a tensor, found {self.radius!r}. fiberscope.variations.radius_of turns "
                "words such as 25% into a radius."
            )
        radius = torch.as_tensor(self.radius).detach()
        if radius.ndim > 1 or radius.dtype is torch.bool:
            raise FiberscopeError(
                f"radius: expected a number or one a row, shape (batch,), found {radius.dtype} of shape "
                f"{tuple(radius.shape)}."
            )
        if not bool(((radius > 0) & radius.isfinite()).all()):
            raise FiberscopeError(
                f"radius: expected positive and finite, found {float(radius.min()):.4g}. For radius zero explore the "
                "Fiber itself."
            )
        object.__setattr__(self, "radius", radius.to(dtype=self.fiber.target.dtype, device=self.fiber.target.device))

    @property
    def latent_map(self) -> LatentMap:
        """The map of the fiber."""
        return self.fiber.latent_map

    @property
    def target(self) -> Float[Tensor, "*batch m"]:
        """The latent in the middle."""
        return self.fiber.target

    @property
    def box(self) -> Box:
        """The box of the fiber."""
        return self.fiber.box

    def targets(self, batch: int) -> Float[Tensor, "batch m"]:
        """A target for each of ``batch`` rows."""
        return self.fiber.targets(batch)

    def radii(self, batch: int) -> Float[Tensor, " batch"]:
        """A radius for each of ``batch`` rows."""
        radius = torch.as_tensor(self.radius)
        if radius.ndim == 1 and radius.shape[0] not in (1, batch):
            raise FiberscopeError(
                f"radius: {radius.shape[0]} radii for {batch} images. Give one radius for all, or one a row."
            )
        return radius.expand(batch)

    def residual(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
        """``f(x) - target`` of images or flat rows, by a fresh forward pass."""
        return self.fiber.residual(images)
