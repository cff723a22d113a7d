"""The latent map z = f(x): any torch module or function from images to vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.problem.errors import FiberscopeError
from fiberscope.problem.layers import CutModule
from fiberscope.problem.probes import probe


@dataclass(frozen=True, eq=False)
class LatentMap:
    """A deterministic, differentiable map from images ``(batch, *input_shape)`` to latents ``(batch, m)``.

    ``model`` is a module in eval mode, or a function. Dtype and device are those of its first floating parameter,
    otherwise torch's default and the CPU, unless named. The model is probed on the way in; raises `ModelError` that
    names what is wrong with it. It is never changed.
    """

    model: Callable[[Tensor], Tensor]
    input_shape: tuple[int, ...]
    dtype: torch.dtype | None = field(default=None, kw_only=True)
    device: torch.device | str | None = field(default=None, kw_only=True)
    latent_size: int = field(init=False)

    def __post_init__(self) -> None:
        """Take dtype and device from the model, and probe it."""
        shape = self.input_shape
        if not isinstance(shape, tuple | list | torch.Size) or not shape or min(shape) < 1:
            raise FiberscopeError(
                f"input_shape: expected the shape of one image, such as (1, 28, 28), found {self.input_shape}"
            )
        shape = tuple(int(side) for side in shape)
        like = _first_float(self.model)
        dtype = self.dtype or like.dtype
        device = torch.device(self.device) if self.device is not None else like.device
        for name, value in (("input_shape", shape), ("dtype", dtype), ("device", device)):
            object.__setattr__(self, name, value)
        size = probe(self.model, shape, torch.empty(0, dtype=dtype, device=device))
        object.__setattr__(self, "latent_size", size)

    @classmethod
    def at_layer(cls, module: nn.Module, layer: str, *, input_shape: tuple[int, ...]) -> LatentMap:
        """The map to the output of a named layer of the module; what comes after that layer does not run."""
        return cls(CutModule(module, layer), input_shape)

    @property
    def input_size(self) -> int:
        """Number n of coordinates of one image."""
        return math.prod(self.input_shape)

    def __call__(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
        """Latents of images, or of flat rows ``(batch, n)``."""
        return self.model(self.unflatten(images))

    def flatten(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch n"]:
        """Images as the flat rows that the mathematics sees."""
        return images.reshape(images.shape[0], self.input_size)

    def unflatten(self, rows: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Flat rows as images of the user's own shape."""
        return rows.reshape(rows.shape[0], *self.input_shape)

    def check_images(self, images: Tensor, name: str = "images") -> Float[Tensor, "batch ..."]:
        """The images, if this map takes them; raises `FiberscopeError` naming shape, dtype, device or NaN otherwise."""
        if not isinstance(images, Tensor):
            raise FiberscopeError(
                f"{name}: expected a torch tensor, found {type(images).__name__}. Convert with torch.as_tensor({name})."
            )
        wanted = f"(batch, {', '.join(map(str, self.input_shape))})"
        if tuple(images.shape[1:]) != self.input_shape or images.ndim != len(self.input_shape) + 1:
            hint = " Add the batch dimension: images[None]." if tuple(images.shape) == self.input_shape else ""
            raise FiberscopeError(f"{name}: expected shape {wanted}, found {tuple(images.shape)}.{hint}")
        if images.dtype != self.dtype:
            raise FiberscopeError(
                f"{name}: expected {self.dtype} as the model has, found {images.dtype}. "
                f"Convert with {name}.to({self.dtype})" + (" / 255." if images.dtype == torch.uint8 else ".")
            )
        if images.device != torch.empty(0, device=self.device).device:
            raise FiberscopeError(
                f"{name}: expected on {self.device} as the model is, found on {images.device}. "
                f"Move them with {name}.to({str(self.device)!r})."
            )
        bad = ~images.isfinite().flatten(1).all(dim=1)
        if bool(bad.any()):
            raise FiberscopeError(
                f"{name}: NaN or infinity in row {_some(bad)}. Remove these rows, or mend what made them."
            )
        return images


def _first_float(model: Callable[[Tensor], Tensor]) -> Tensor:
    if isinstance(model, nn.Module):
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                return tensor
    return torch.empty(0, dtype=torch.get_default_dtype())


def _some(rows: Tensor) -> str:
    indices = rows.nonzero()[:, 0].tolist()
    return ", ".join(map(str, indices[:5])) + (f" and {len(indices) - 5} more" if len(indices) > 5 else "")
