"""The latent along a variation: the curve of its distance from where it began."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.problem import Box, FiberscopeError, LatentMap
from fiberscope.problem.fiber import check_in_box
from fiberscope.problem.modes import undisturbed
from fiberscope.variations.variation import Variation, rounding_of

Predict = Callable[[Tensor], Tensor]


class Response(NamedTuple):
    """The curve ``a -> |f(T_a x) - f(x)|`` of each image, in units of ``scale``.

    ``moved`` is ``|T_a x - x|`` over pixels, exactly 0 where an image changes by no more than rounding; ``clipped`` is
    the share of each change that the box took away; ``classes`` are the predicted ones, if asked for.
    """

    amounts: Float[Tensor, " amount"]
    distance: Float[Tensor, "amount batch"]
    moved: Float[Tensor, "amount batch"]
    clipped: Float[Tensor, "amount batch"]
    classes: Int[Tensor, "amount batch"] | None


@undisturbed
def response(
    latent_map: LatentMap,
    images: Float[Tensor, "batch ..."],
    variation: Variation,
    *,
    scale: float,
    amounts: Sequence[float] | None = None,
    predict: Predict | None = None,
    box: Box | None = None,
) -> Response:
    """Latent distances along the orbit, each image clipped to the box; ``scale`` is that of `latent_scale`, within.

    ``amounts`` are the variation's own grid unless given; ``predict`` maps images to class indices.
    """
    check_inputs(latent_map, images, scale, box)
    grid = torch.tensor(variation.grid() if amounts is None else list(amounts), dtype=images.dtype)
    orbit = variation.orbit(images, grid, box=box)
    with torch.no_grad():
        latents = latent_map(images)
        distance = torch.stack([distance_from(latents, latent_map(varied)) / scale for varied in orbit.images])
        classes = torch.stack([classes_of(predict, varied) for varied in orbit.images]) if predict else None
    moved = (orbit.images - images).flatten(2).norm(dim=2)
    return Response(grid, distance, torch.where(moved > rounding_of(images), moved, 0.0), orbit.clipped, classes)


def classes_of(predict: Predict, images: Float[Tensor, "batch ..."]) -> Int[Tensor, " batch"]:
    """The predicted classes, where the images are; raises `FiberscopeError` unless they are one index an image."""
    classes = predict(images)
    if classes.shape != images.shape[:1] or classes.is_floating_point():
        raise FiberscopeError(
            f"predict: returned {classes.dtype} of shape {tuple(classes.shape)} for {len(images)} images, wanted one "
            "class index each. For a network that gives logits: lambda images: network(images).argmax(dim=1)."
        )
    return classes.to(images.device)


def distance_from(latents: Float[Tensor, "batch m"], others: Float[Tensor, "batch m"]) -> Float[Tensor, " batch"]:
    """``|other - latent|`` row by row; raises `FiberscopeError` where it is not finite."""
    distance: Tensor = (others - latents).norm(dim=1)
    if not bool(distance.isfinite().all()):
        row = int((~distance.isfinite()).nonzero()[0, 0])
        raise FiberscopeError(
            f"latent_map: NaN or infinity in the latent of a varied image, row {row}. Leave the image out, or try a "
            "smaller range of amounts."
        )
    return distance


def check_inputs(latent_map: LatentMap, images: Float[Tensor, "batch ..."], scale: float, box: Box | None) -> None:
    """Raise `FiberscopeError` for images that the map or the box does not take, or a scale that is no distance."""
    check_in_box(latent_map, latent_map.check_images(images), box or Box())
    if not 0 < scale < math.inf:
        raise FiberscopeError(
            f"scale: expected a positive latent distance, found {scale}. Take latent_scale(latents, labels).within."
        )
