"""What a network wants done to images before it sees them, as part of the latent map.

So the box stays in the image's own pixels, and fibers are of what people see.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fiberscope.problem.errors import FiberscopeError

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as for images from files
Channels = Literal["same", "rgb", "bgr", "grey"]


@dataclass(frozen=True)
class Preprocessing:
    """Channels, then size, then ``(scale * pixel - mean) / std``, of images with intensities in [0, 1].

    ``mean`` and ``std`` have a number a channel, or one for all, in units of ``scale * pixel``: a network made for
    bytes has scale 255. ``size`` is (height, width). ``channels`` is what the network takes: ``rgb`` and ``bgr`` repeat
    a grey image, ``grey`` takes the luma of a colour image, ``same`` leaves channels as they are.
    Raises `FiberscopeError` for values that no image can be prepared with.
    """

    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    scale: float = 1.0
    size: tuple[int, int] | None = None
    channels: Channels = "same"

    def __post_init__(self) -> None:
        """Refuse what would make every image infinite, empty or one and the same."""
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        numbers = (*self.mean, *self.std, self.scale)
        if not all(map(math.isfinite, numbers)) or min(self.std, default=0.0) <= 0 or self.scale <= 0 or not self.mean:
            raise FiberscopeError(
                f"mean, std, scale: expected finite numbers, std and scale above zero, found {self.mean}, {self.std} "
                f"and {self.scale}. Pixels become (scale * pixel - mean) / std; for ImageNet mean 0.485 0.456 0.406, "
                "std 0.229 0.224 0.225, scale 1."
            )
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise FiberscopeError(f"resize: expected a height and a width of at least 1, found {self.size}.")
        if self.channels not in ("same", "rgb", "bgr", "grey"):
            raise FiberscopeError(f"channels: expected same, rgb, bgr or grey, found {self.channels!r}.")

    @property
    def changes_nothing(self) -> bool:
        """Whether images reach the network as they are."""
        values = set(self.mean) == {0.0} and set(self.std) == {1.0} and self.scale == 1.0
        return values and self.size is None and self.channels == "same"

    def prepared_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of what the network gets of an image; raises `FiberscopeError` where such images cannot be prepared."""
        shape = self._with_channels(input_shape)
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, shape[0]):
                raise FiberscopeError(
                    f"{name}: {len(values)} values for {shape[0]} channels of images {input_shape}. Give one a "
                    "channel, or one for all; grey images for a network of colours need --channels rgb or bgr."
                )
        if self.size is None:
            return shape
        if len(shape) != 3:
            raise FiberscopeError(f"resize: only images (channels, height, width) can be resized, found {input_shape}.")
        return (shape[0], *self.size)

    def _with_channels(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.channels == "same":
            return shape
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise FiberscopeError(
                f"channels: {self.channels} needs images of 1 or 3 channels, (channels, height, width), found {shape}. "
                "Leave it out, or give the shape of your images by --input-shape."
            )
        return (1 if self.channels == "grey" else 3, *shape[1:])


class Prepared(nn.Module):
    """A network with what it wants done to images of that shape before it; layers keep their names within `network`."""

    mean: Tensor
    std: Tensor
    down: Tensor | None
    across: Tensor | None

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, input_shape: tuple[int, ...]):
        super().__init__()
        shape = preprocessing.prepared_shape(input_shape)
        self.preprocessing = preprocessing
        self.is_grey = input_shape[0] == 1
        column = (-1, *(1 for _ in shape[1:]))
        self.register_buffer("mean", torch.tensor(preprocessing.mean).reshape(column))
        self.register_buffer("std", torch.tensor(preprocessing.std).reshape(column))
        # A resize is two products with fixed matrices: exact derivatives in every mode, whatever the interpolation.
        resized = preprocessing.size is not None and shape[1:] != input_shape[1:]
        self.register_buffer("down", _resampling(input_shape[1], shape[1]) if resized else None)
        self.register_buffer("across", _resampling(input_shape[2], shape[2]) if resized else None)
        self.network = network
        self.training = network.training  # not train(): that would reach into the network

    def forward(self, images: Float[Tensor, "batch ..."]) -> object:
        """What the network makes of the images."""
        return self.network(self.prepare(images))

    def prepare(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """What the network gets."""
        images = self._with_channels(images)
        if self.down is not None and self.across is not None:
            images = self.down @ images @ self.across.mT
        if self.preprocessing.channels == "bgr":
            images = images.flip(1)
        return (self.preprocessing.scale * images - self.mean) / self.std

    def _with_channels(self, images: Tensor) -> Tensor:
        channels = self.preprocessing.channels
        if channels in ("rgb", "bgr") and self.is_grey:
            return images.expand(-1, 3, -1, -1)
        if channels == "grey" and not self.is_grey:
            grey: Tensor = torch.einsum("bchw,c->bhw", images, images.new_tensor(_LUMA))[:, None]
            return grey
        return images


def prepare(network: nn.Module, preprocessing: Preprocessing, input_shape: tuple[int, ...]) -> nn.Module:
    """The network behind its preprocessing, or as it is where there is none.

    Raises `FiberscopeError` where images of that shape cannot be prepared so.
    """
    return network if preprocessing.changes_nothing else Prepared(network, preprocessing, input_shape)


def _resampling(length: int, wanted: int) -> Float[Tensor, "wanted length"]:
    """The matrix of bilinear interpolation along one axis, smoothed before it makes smaller."""
    unit = torch.eye(length)[None, None]  # each pixel alone, in a column of its own
    moved: Tensor = functional.interpolate(unit, size=(wanted, length), mode="bilinear", antialias=True)
    return moved[0, 0]
