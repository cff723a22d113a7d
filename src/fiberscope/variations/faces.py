"""The variations of faces, for images that an upright face fills."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.problem import Box, FiberscopeError
from fiberscope.variations.catalogue import range_of
from fiberscope.variations.geometric import RESIZE, SHIFT_X, SHIFT_Y, TURN, moving
from fiberscope.variations.head import MOUTH, Bump, window
from fiberscope.variations.light import light
from fiberscope.variations.pose import pose
from fiberscope.variations.smooth import diffuse, diffusion
from fiberscope.variations.variation import Variation
from fiberscope.variations.worn import worn

_LEAST_SIDE = 24
_INNER = Bump(0.08, 0.0, 0.17, 0.17, 0.0)  # from the eyes to the chin


def face_variations(shape: Sequence[int], *, box: Box | None = None) -> tuple[Variation, ...]:
    """Light, pose, place and what is worn, for faces ``(channels, h, w)`` that stand upright and fill the image.

    They say nothing of images that are no faces: ask for them by name. Raises `FiberscopeError` for images of fewer
    than 24 pixels a side, and a box without bounds.
    """
    lower, upper = range_of(box or Box())
    if len(shape) != 3 or min(shape[1:]) < _LEAST_SIDE:
        raise FiberscopeError(
            f"shape: the variations of faces fit images (channels, height, width) of at least {_LEAST_SIDE} pixels a "
            f"side, found {tuple(shape)}. Use catalogue(shape)."
        )
    height, width = shape[1:]
    shift, softest = round(height / 14, 1), round((height / 28) ** 2, 1)
    return (
        *light(height, width, lower),
        *pose(height, width),
        moving("rotation", "°", 20.0, TURN, "Turns the image counter-clockwise about its middle."),
        moving("scale", "%", 15.0, RESIZE, "Enlarges the image about its middle."),
        moving("translation x", "px", shift, SHIFT_X, "Shifts the image to the right."),
        moving("translation y", "px", shift, SHIFT_Y, "Shifts the image downward."),
        Variation("blur", "px²", 0.0, softest, diffuse, "Blurs by a Gaussian of this variance.", diffusion),
        *worn(height, width, lower, upper),
    )


def expression(images: Float[Tensor, "image c h w"], labels: Int[Tensor, " image"]) -> Variation:
    """The way in which pictures of one person differ most around the mouth and the eyes, learned from such pictures.

    The first principal component of differences from each person's mean, through a soft window on the inner face; its
    unit is the standard deviation. Raises `FiberscopeError` unless some person has two pictures.
    """
    people = torch.unique(labels)
    parts = [images[labels == person] for person in people]
    apart = torch.cat([part - part.mean(dim=0) for part in parts]).double().cpu()
    if not bool((apart != 0).any()):
        raise FiberscopeError("images: no person has two pictures that differ. Give several pictures of a person.")
    height, width = images.shape[-2:]
    apart = apart * torch.maximum(window(_INNER, height, width), window(MOUTH, height, width))
    flat = apart.flatten(1)
    values, vectors = torch.linalg.eigh(flat @ flat.T)
    # The samples' standard deviation along the component; more light in it is more of it.
    spread = (values[-1] / (len(flat) - len(people))).sqrt()
    axis = torch.nn.functional.normalize(vectors[:, -1] @ flat, dim=0).view(images.shape[1:]) * spread
    axis = axis if float(axis.sum()) >= 0 else -axis
    return Variation(
        "expression",
        "sd",
        -3.0,
        3.0,
        lambda batch, amounts: batch + amounts[:, None, None, None] * axis.to(batch),
        "Moves mouth and eyes as pictures of one person differ most.",
        lambda batch: axis.to(batch).expand_as(batch),
    )
