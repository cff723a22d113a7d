"""The image within a ball that a classifier reads worst."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


def worst_nearby(
    classifier: Callable[[Tensor], Tensor],
    images: Float[Tensor, "batch 1 28 28"],
    labels: Int64[Tensor, " batch"],
    *,
    radius: float,
    num_steps: int,
) -> Float[Tensor, "batch 1 28 28"]:
    """Climb the cross entropy from each image by projected gradient ascent in the Euclidean ball and the box [0, 1].

    A row whose gradient vanishes stays where it is.

    References:
        Madry et al. (2018), Towards deep learning models resistant to adversarial attacks.
    """
    step = 2.5 * radius / num_steps  # far enough to reach the sphere from inside and go round on it
    worst = images
    for _ in range(num_steps):
        gradient = _gradient(classifier, worst, labels)
        climbed = worst + step * gradient / _norms(gradient).clamp_min(torch.finfo(images.dtype).tiny)
        away = climbed - images
        away = away * (radius / _norms(away).clamp_min(radius))
        worst = (images + away).clamp(0.0, 1.0)  # toward the box is toward the image: the ball is kept
    return worst


def _gradient(classifier: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
    # without torch.no_grad of a caller, and without gradients of the weights
    with torch.enable_grad():
        images = images.detach().requires_grad_()
        loss = functional.cross_entropy(classifier(images), labels, reduction="sum")
        gradients: tuple[Tensor, ...] = torch.autograd.grad(loss, images)
    return gradients[0]


def _norms(rows: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 1 1 1"]:
    norms: Tensor = torch.linalg.vector_norm(rows, dim=(1, 2, 3), keepdim=True)
    return norms
