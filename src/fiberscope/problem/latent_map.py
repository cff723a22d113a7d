"""The latent map z = f(x): any torch module or function from images to vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.problem.errors import FiberscopeError, ModelError
from fiberscope.problem.hints import model_hint, shape_hint
from fiberscope.problem.layers import CutModule, LayerName, as_rows
from fiberscope.problem.modes import ordinary, ordinary_mode, undisturbed
from fiberscope.problem.probes import probe
from fiberscope.problem.select import Select, Selected


@dataclass(frozen=True, eq=False)
class LatentMap:
    """A deterministic, differentiable map from images ``(batch, *input_shape)`` to latents ``(batch, m)``.

    ``model`` is a module in eval mode, or a function. An output of several axes, ``(batch, channels, height, width)``
    or tokens, becomes one row of m numbers an image; one of shape ``(batch,)`` is m = 1. ``select`` keeps some of its
    numbers, see `Select`. Dtype and device are those of the model's first floating parameter, otherwise torch's default
    and the CPU, unless named.

    The model is probed on the way in; raises `ModelError` that names what is wrong with it, and what to do. One of the
    probes asks whether its gradient is its derivative; ``surrogate_gradient`` leaves that one out, for a gradient that
    is another on purpose, such as straight-through rounding, and every result then says so. The model is never changed,
    it never sees the caller's own tensor, so it may overwrite what it gets, and it never runs in the caller's inference
    mode or autocast.
    """

    model: Callable[[Tensor], Tensor]
    input_shape: tuple[int, ...]
    dtype: torch.dtype | None = field(default=None, kw_only=True)
    device: torch.device | str | None = field(default=None, kw_only=True)
    surrogate_gradient: bool = field(default=False, kw_only=True)
    select: InitVar[Select | None] = field(default=None, kw_only=True)
    latent_size: int = field(init=False)

    @undisturbed
    def __post_init__(self, select: Select | None) -> None:
        """Take dtype and device from the model, and probe it."""
        hint = model_hint(self.model)
        if hint is not None:
            raise FiberscopeError(f"model: expected a torch module or a function of images, found {hint}.")
        shape = _checked_shape(self.input_shape)
        if select is not None:
            object.__setattr__(self, "model", Selected(self.model, select))
        like = _first_float(self.model)
        dtype = self.dtype or like.dtype
        device = torch.device(self.device) if self.device is not None else like.device
        for name, value in (("input_shape", shape), ("dtype", dtype), ("device", device)):
            object.__setattr__(self, name, value)
        like = torch.empty(0, dtype=dtype, device=device)
        size = probe(self.model, shape, like, surrogate_gradient=self.surrogate_gradient)
        object.__setattr__(self, "latent_size", size)

    @classmethod
    def at_layer(
        cls,
        module: nn.Module,
        layer: LayerName | Sequence[LayerName],
        *,
        input_shape: tuple[int, ...],
        select: Select | None = None,
        surrogate_gradient: bool = False,
    ) -> LatentMap:
        """The map to the output of a layer of the module; what comes after that layer does not run.

        A layer is named as in ``module.named_modules()``, by its number in an ``nn.Sequential``, or is the module
        itself. Of several layers the numbers are joined. ``select`` keeps some of the output, before it is flattened:

        >>> latent_map = fs.LatentMap.at_layer(network, ("encoder.2", "encoder.4"), input_shape=(1, 28, 28))
        >>> one_token = fs.LatentMap.at_layer(vit, "norm", input_shape=(3, 224, 224), select=0)
        >>> probe = fs.LatentMap.at_layer(vit, "blocks.5", input_shape=(3, 224, 224), select=direction)
        """
        return cls(CutModule(module, layer), input_shape, select=select, surrogate_gradient=surrogate_gradient)

    @property
    def input_size(self) -> int:
        """Number n of coordinates of one image."""
        return math.prod(self.input_shape)

    def __call__(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
        """Latents of images, or of flat rows ``(batch, n)``; the model is not asked about a batch of none."""
        device = images.device.type
        if torch.is_inference_mode_enabled() or images.is_inference() or torch.is_autocast_enabled(device):
            with ordinary_mode():
                return self._latents(ordinary(images))
        return self._latents(images)

    def _latents(self, images: Tensor) -> Tensor:
        if images.shape[0] == 0:  # many models cannot be; a sum has both derivatives that a move may ask for
            return self.flatten(images).sum(dim=1, keepdim=True).expand(0, self.latent_size)
        # A copy: the first step of a network may overwrite what it is given.
        return as_rows(self.model(self.unflatten(images).clone()))

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
            hint = shape_hint(name, tuple(images.shape), self.input_shape)
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


def _checked_shape(shape: object) -> tuple[int, ...]:
    sides = tuple(shape) if isinstance(shape, tuple | list | torch.Size) else ()
    if not sides or not all(isinstance(side, int) and not isinstance(side, bool) and side >= 1 for side in sides):
        raise FiberscopeError(f"input_shape: expected the shape of one image, such as (1, 28, 28), found {shape!r}")
    return sides


def _first_float(model: Callable[[Tensor], Tensor]) -> Tensor:
    if isinstance(model, nn.Module):
        tensors = [*model.parameters(), *model.buffers()]
        if any(map(nn.parameter.is_lazy, tensors)):
            raise ModelError(
                "model: it has lazy layers, whose parameters have no shape before the first pass. Run one pass first: "
                "model(torch.rand(1, *input_shape))."
            )
        for tensor in tensors:
            if tensor.is_floating_point():
                return tensor
    return torch.empty(0, dtype=torch.get_default_dtype())


def _some(rows: Tensor) -> str:
    indices = rows.nonzero()[:, 0].tolist()
    return ", ".join(map(str, indices[:5])) + (f" and {len(indices) - 5} more" if len(indices) > 5 else "")
