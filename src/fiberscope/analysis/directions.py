"""Invisible directions to walk in, for each image by the criterion that the user chose."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.choices import WalkChoice
from fiberscope.analysis.reference import reference_factor
from fiberscope.analysis.selection import Selection, draw_others, select
from fiberscope.geometry.bases import Basis, data_basis, smooth_basis, svd_basis, toward_basis
from fiberscope.geometry.tangent import TangentSplit
from fiberscope.problem import FiberscopeError, LatentMap

Compass = Callable[[TangentSplit, slice], Basis]
"""Directions for the images of a slice, whose tangent split is given."""


def open_compass(choice: WalkChoice, latent_map: LatentMap, images: Selection, *, seed: int) -> Compass:
    """Read or draw what the chosen basis needs, once for all images.

    Raises FiberscopeError when the choice cannot be met.
    """
    count, shape = choice.directions, latent_map.input_shape
    if count < 1:
        raise FiberscopeError(f"directions: expected at least 1 for each image, found {count}.")
    match choice.basis:
        case "data":
            factor = reference_factor(choice.reference, latent_map, images)
            return lambda split, _: brighten(data_basis(split, factor, count=count))
        case "smooth":
            return lambda split, _: brighten(smooth_basis(split, shape, count=count))
        case "svd":
            return lambda split, _: svd_basis(split, count=count)
        case "random":
            wishes = _draw_wishes(latent_map, images, count=count, seed=seed)
            return lambda split, part: _random_basis(split, wishes[part])
        case "toward":
            rows = _rows(latent_map, images)
            others = _rows(latent_map, _choose_others(choice, images, shape, seed)).reshape(len(rows), count, -1)
            return lambda split, part: toward_basis(split, rows[part], others[part])


def brighten(basis: Basis) -> Basis:
    """The same directions, each turned the way that adds light: an eigenvector has no sign of its own."""
    darker = basis.directions.sum(dim=2, keepdim=True) < 0
    return basis._replace(directions=torch.where(darker, -basis.directions, basis.directions))


def _rows(latent_map: LatentMap, images: Selection) -> Float[Tensor, "image n"]:
    return latent_map.flatten(images.images.to(latent_map.device, latent_map.dtype))


def _draw_wishes(latent_map: LatentMap, images: Selection, *, count: int, seed: int) -> Float[Tensor, "image count n"]:
    generator = torch.Generator().manual_seed(seed)
    wishes = torch.randn(len(images.names), count, latent_map.input_size, generator=generator, dtype=torch.float64)
    return wishes.to(latent_map.device, latent_map.dtype)


def _random_basis(split: TangentSplit, wishes: Float[Tensor, "image count n"]) -> Basis:
    hidden = torch.stack([split.project_tangent(wish) for wish in wishes.unbind(dim=1)], dim=1)
    sizes = hidden.norm(dim=2)
    return Basis(hidden / sizes[:, :, None], sizes, "random: noise without the part that the network sees")


def _choose_others(choice: WalkChoice, images: Selection, shape: tuple[int, ...], seed: int) -> Selection:
    if choice.targets is None:
        return draw_others(images, shape=shape, count=choice.directions, seed=seed)
    others, wanted = select(choice.targets, shape=shape, argument="targets"), len(images.names) * choice.directions
    if len(others.names) not in (1, wanted):
        raise FiberscopeError(
            f"targets: {len(others.names)} images to head for, and {len(images.names)} images with "
            f"{choice.directions} directions each. Give one, or {wanted}: those of the first image first."
        )
    return others.take([0] * wanted) if len(others.names) == 1 else others
