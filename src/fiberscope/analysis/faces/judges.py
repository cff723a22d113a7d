"""Judges of faces that know nothing of the network: pixels, gradients, and Fisher's discriminants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

_SIDE = 28  # pixels a side that the judge of pixels compares
_CELL, _BINS = 8, 9
_COMPONENTS = 120  # before Fisher's discriminants


@dataclass(frozen=True, eq=False)
class FaceJudge:
    """Says which person of the pictures that it knows is most like a picture."""

    name: str
    read: Callable[[Float[Tensor, "image c h w"]], Int64[Tensor, " image"]]


def train_face_judges(images: Float[Tensor, "image c h w"], labels: Int[Tensor, " image"]) -> tuple[FaceJudge, ...]:
    """Three judges that learn these pictures; leave out those that they are to be asked about."""
    return (
        _nearest("nearest pixels", _small, images, labels),
        _nearest("nearest gradients", gradients, images, labels),
        _fisher(images, labels),
    )


def _nearest(
    name: str,
    look: Callable[[Tensor], Tensor],
    images: Float[Tensor, "image c h w"],
    labels: Int[Tensor, " image"],
) -> FaceJudge:
    known = torch.nn.functional.normalize(look(images), dim=1)

    def read(asked: Float[Tensor, "some c h w"]) -> Int64[Tensor, " some"]:
        alike = torch.nn.functional.normalize(look(asked), dim=1) @ known.T
        return labels[alike.argmax(dim=1)]

    return FaceJudge(name, read)


def _small(images: Float[Tensor, "image c h w"]) -> Float[Tensor, "image p"]:
    """Few pixels, without their mean and spread."""
    flat = torch.nn.functional.adaptive_avg_pool2d(images.mean(dim=1, keepdim=True), _SIDE).flatten(1)
    centred: Tensor = flat - flat.mean(dim=1, keepdim=True)
    return centred


def gradients(images: Float[Tensor, "image c h w"]) -> Float[Tensor, "image p"]:
    """Histograms of the orientation of gradients in cells of 8 pixels, without signs, each cell made equally strong.

    References:
        Dalal and Triggs (2005), Histograms of oriented gradients for human detection.
    """
    grey = images.mean(dim=1)
    down, right = torch.gradient(grey, dim=(1, 2))
    strength = (down.square() + right.square()).sqrt()
    angle = torch.atan2(down, right) / torch.pi % 1 * _BINS
    low = angle.floor()
    part = angle - low
    planes = torch.stack(
        [strength * ((1 - part) * (low % _BINS == k) + part * ((low + 1) % _BINS == k)) for k in range(_BINS)],
        dim=1,
    )
    cells = torch.nn.functional.avg_pool2d(planes, _CELL)
    equal: Tensor = (cells / (cells.norm(dim=1, keepdim=True) + 1e-2)).flatten(1)
    return equal


def _fisher(images: Float[Tensor, "image c h w"], labels: Int[Tensor, " image"]) -> FaceJudge:
    """Principal components, then linear discriminants between people (Belhumeur, Hespanha and Kriegman 1997)."""
    flat = images.flatten(1).double()
    mean = flat.mean(dim=0)
    count = min(_COMPONENTS, len(flat) - len(set(labels.tolist())))
    axes = torch.linalg.svd(flat - mean, full_matrices=False).Vh[:count]
    classifier = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    classifier.fit(((flat - mean) @ axes.T).numpy(), labels.numpy())

    def read(asked: Float[Tensor, "some c h w"]) -> Int64[Tensor, " some"]:
        shadows = ((asked.flatten(1).double() - mean) @ axes.T).numpy()
        return torch.from_numpy(np.asarray(classifier.predict(shadows)).astype(np.int64))

    return FaceJudge("Fisherfaces", read)
