"""The fiber: all images in the box that share one latent."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.problem.box import Box
from fiberscope.problem.errors import FiberscopeError
from fiberscope.problem.hints import range_hint
from fiberscope.problem.latent_map import LatentMap
from fiberscope.problem.modes import ordinary, ordinary_mode, undisturbed


@dataclass(frozen=True, eq=False)
class Fiber:
    """The preimage ``{x in box : f(x) = target}``; one target ``(m,)`` for all rows, or ``(batch, m)``, one a row.

    Raises `FiberscopeError` for a target of the wrong length, dtype or device, or that is not finite. Whether the
    fiber is empty is not known here; a move finds out and says so in its `Outcome`.
    """

    latent_map: LatentMap
    target: Float[Tensor, "*batch m"]
    box: Box = field(default_factory=Box)

    def __post_init__(self) -> None:
        """Check the target at the door."""
        if not isinstance(self.target, Tensor):
            raise FiberscopeError(f"target: expected a torch tensor, found {type(self.target).__name__}.")
        # Detached, or every step of every move would hang on the graph that made the target.
        with ordinary_mode():
            object.__setattr__(self, "target", ordinary(self.target.detach()))
        size, target = self.latent_map.latent_size, self.target
        if target.ndim not in (1, 2) or target.shape[-1] != size:
            raise FiberscopeError(
                f"target: expected a latent of length {size}, shape ({size},) or (batch, {size}), found "
                f"{tuple(target.shape)}. Take one from this map: latent_map(images)."
            )
        like = torch.empty(0, dtype=self.latent_map.dtype, device=self.latent_map.device)
        if target.dtype != like.dtype or target.device != like.device:
            raise FiberscopeError(
                f"target: expected {like.dtype} on {like.device}, found {target.dtype} on {target.device}. "
                "Convert it with target.to(...)."
            )
        if not bool(target.isfinite().all()):
            raise FiberscopeError("target: NaN or infinity in it. A latent must be finite.")
        self.box.bounds(self.latent_map.input_shape, like)

    @classmethod
    @undisturbed
    def through(cls, latent_map: LatentMap, images: Float[Tensor, "batch ..."], *, box: Box | None = None) -> Fiber:
        """The fibers through images, one a row: each target is the latent of its image, so no fiber is empty."""
        box = Box() if box is None else box
        check_in_box(latent_map, latent_map.check_images(images), box)
        with torch.no_grad():
            return cls(latent_map, latent_map(images), box)

    def targets(self, batch: int) -> Float[Tensor, "batch m"]:
        """A target for each of ``batch`` rows."""
        if self.target.ndim == 2 and self.target.shape[0] not in (1, batch):
            raise FiberscopeError(
                f"target: {self.target.shape[0]} targets for {batch} images. Give one target for all, or one a row."
            )
        return self.target.expand(batch, self.latent_map.latent_size)

    def radii(self, batch: int) -> Float[Tensor, " batch"]:
        """Zero for each of ``batch`` rows: a fiber is a tube without thickness."""
        return torch.zeros(batch, dtype=self.target.dtype, device=self.target.device)

    @undisturbed
    def residual(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
        """``f(x) - target`` of images or flat rows, by a fresh forward pass."""
        with torch.no_grad():
            return self.latent_map(images) - self.targets(images.shape[0])


def check_in_box(latent_map: LatentMap, images: Float[Tensor, "batch ..."], box: Box, name: str = "images") -> None:
    """Raise `FiberscopeError` that names the rows of ``images`` with a coordinate outside the box."""
    rows = latent_map.flatten(images)
    lower, upper = box.bounds(latent_map.input_shape, rows)
    outside = ((rows < lower) | (rows > upper)).any(dim=1)
    if bool(outside.any()):
        worst = int(outside.nonzero()[0, 0])
        raise FiberscopeError(
            f"{name}: row {worst} leaves the box: its values span [{float(rows[worst].min()):.4g}, "
            f"{float(rows[worst].max()):.4g}], the box [{float(lower.min()):.4g}, {float(upper.max()):.4g}] "
            f"({int(outside.sum())} of {rows.shape[0]} rows do). {range_hint(rows)}"
        )
