"""Generators without training: images as sums of smooth waves, or of the principal components of a data set."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.problem.errors import ModelError


class WaveGenerator(nn.Module):
    """Images from the coefficients of all cosines, the high ones shrunk: near in coordinates means smoothly different.

    A coefficient of frequency f, in cycles per image height, weighs ``1 / (1 + (f / half_at)²)``. So the step from an
    image that is shortest in coordinates is a smooth one, and no image loses anything. Values outside [0, 1] are
    clamped.

    References:
        Ruderman (1994), The statistics of natural images (their spectra fall like 1 / f in amplitude).
    """

    rows: Tensor
    columns: Tensor
    weights: Tensor

    def __init__(self, shape: tuple[int, int, int], *, half_at: float = 3.0):
        super().__init__()
        if len(shape) != 3 or min(shape) < 1 or not half_at > 0:
            raise ModelError(f"shape, half_at: expected (channels, h, w) and a frequency, found {shape}, {half_at}")
        self.shape = tuple(shape)
        height, width = shape[1:]
        down, right = torch.arange(height) / 2, torch.arange(width) / 2 * (height / width)
        squared = (down.square()[:, None] + right.square()[None]) / half_at**2
        self.register_buffer("rows", _cosines(height))
        self.register_buffer("columns", _cosines(width))
        self.register_buffer("weights", 1 / (1 + squared))

    @property
    def latent_size(self) -> int:
        """As many coordinates as pixels."""
        return math.prod(self.shape)

    @property
    def decoder(self) -> nn.Module:
        """The generator itself."""
        return self

    def forward(self, coordinates: Float[Tensor, "batch k"]) -> Float[Tensor, "batch c h w"]:
        """The images, clamped to [0, 1]."""
        waves = torch.unflatten(coordinates, 1, self.shape) * self.weights
        images: Tensor = (self.rows.T @ waves @ self.columns).clamp(0, 1)
        return images

    def encode(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch k"]:
        """The coordinates of images."""
        coordinates: Tensor = ((self.rows @ images @ self.columns.T) / self.weights).flatten(1)
        return coordinates


class PrincipalGenerator(nn.Module):
    """Images from the principal components of samples, each in units of its standard deviation.

    Near in coordinates means: different as the samples differ. Values outside [0, 1] are clamped. Raises ModelError
    for fewer samples than components.

    References:
        Turk and Pentland (1991), Eigenfaces for recognition.
        Blanz and Vetter (1999), A morphable model for the synthesis of 3D faces (such coordinates as a prior).
    """

    mean: Tensor
    axes: Tensor
    spread: Tensor

    def __init__(self, samples: Float[Tensor, "count c h w"], *, count: int):
        super().__init__()
        if not 1 <= count < len(samples):
            raise ModelError(f"count: expected 1 to {len(samples) - 1} components of {len(samples)}, found {count}")
        self.shape = tuple(samples.shape[1:])
        flat = samples.flatten(1)
        mean = flat.mean(dim=0)
        centred = flat - mean
        # The Gram matrix of the samples: there are fewer of them than pixels.
        values, vectors = torch.linalg.eigh((centred @ centred.T).double())
        kept = vectors[:, -count:].flip(dims=[1]).to(samples)
        self.register_buffer("mean", mean)
        self.register_buffer("axes", torch.nn.functional.normalize(kept.T @ centred, dim=1))
        variances = values[-count:].flip(dims=[0]).clamp_min(0) / (len(samples) - 1)
        self.register_buffer("spread", variances.sqrt().to(samples).clamp_min(1e-6))

    @property
    def latent_size(self) -> int:
        """One coordinate a component."""
        return len(self.axes)

    @property
    def decoder(self) -> nn.Module:
        """The generator itself."""
        return self

    def forward(self, coordinates: Float[Tensor, "batch k"]) -> Float[Tensor, "batch c h w"]:
        """The images, clamped to [0, 1]."""
        flat = self.mean + (coordinates * self.spread) @ self.axes
        images: Tensor = torch.unflatten(flat.clamp(0, 1), 1, self.shape)
        return images

    def encode(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch k"]:
        """The coordinates of the images' shadows on the components."""
        coordinates: Tensor = (images.flatten(1) - self.mean) @ self.axes.T / self.spread
        return coordinates


def _cosines(length: int) -> Float[Tensor, "k length"]:
    k = torch.arange(length, dtype=torch.float64)[:, None]
    waves = torch.cos(math.pi * k * (torch.arange(length, dtype=torch.float64) + 0.5) / length)
    return torch.nn.functional.normalize(waves, dim=1).float()
