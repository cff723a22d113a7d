"""The Jacobian of a face embedding at each picture, and all that is read off it before it is let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.faces.threads import side_by_side
from fiberscope.data import LabelledImages
from fiberscope.geometry.bases import covariance_factor, data_basis, invisible_share
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.tangent import split_tangent
from fiberscope.problem import LatentMap
from fiberscope.variations import Variation, sensitivity, yardsticks

NUM_DIRECTIONS = 4
_CHANGES = 100


class FaceSight(NamedTuple):
    """Row by row of the pictures under study.

    ``relative`` is the sensitivity to each variation in units of a change of person at that picture; ``same_person``
    that to the way to other pictures of the same person, ``random`` that to white noise. ``unseen`` are the invisible
    directions in which faces vary most, ``unseen_share`` their shares of the variance of all pictures.
    ``invisible`` is the share of that variance that lies in the null space; ``invisible_between`` and
    ``invisible_within`` the same for means of people, and for differences from them.
    """

    relative: Float[Tensor, "person variation"]
    same_person: Float[Tensor, " person"]
    random: Float[Tensor, " person"]
    rank: Float[Tensor, " person"]
    singular_values: Float[Tensor, "person m"]
    unseen: Float[Tensor, "person k n"]
    unseen_share: Float[Tensor, "person k"]
    invisible: Float[Tensor, " person"]
    invisible_between: Float[Tensor, " person"]
    invisible_within: Float[Tensor, " person"]
    best: Float[Tensor, ""]
    between: Float[Tensor, ""]


class _Factors(NamedTuple):
    whole: Float[Tensor, "n r"]
    between: Float[Tensor, "n r"]
    within: Float[Tensor, "n r"]


def see_faces(
    latent_map: LatentMap,
    images: Float[Tensor, "person c h w"],
    faces: LabelledImages,
    variations: Sequence[Variation],
    *,
    seed: int,
) -> FaceSight:
    """One Jacobian a picture, 128 backward passes through the network each."""
    factors = _factors(faces)
    random = torch.Generator().manual_seed(seed)
    yardstick = yardsticks(latent_map, faces.images, faces.labels, count=_CHANGES, generator=random)

    def see(row: int) -> tuple[Tensor, ...]:
        image = images[row : row + 1]
        matrix = jacobian(latent_map, image)
        seen = sensitivity(latent_map, image, variations, yardstick=yardstick, jacobian=matrix)
        split = split_tangent(matrix)
        basis = data_basis(split, factors.whole, count=NUM_DIRECTIONS)
        own = faces.images[faces.labels == _person_of(image, faces)] - image
        ways = own.flatten(1)[own.flatten(1).norm(dim=1) > 0]
        rate = (matrix[0] @ torch.nn.functional.normalize(ways, dim=1).T).norm(dim=0).median()
        shares = [invisible_share(split, factor)[0] for factor in factors]
        # An eigenvector has no sign of its own: one that adds light makes pictures of all people alike.
        signs = torch.where(basis.directions[0].sum(dim=1, keepdim=True) < 0, -1.0, 1.0)
        return (
            seen.relative[:, 0],
            rate / seen.class_change[0],
            seen.random[0],
            split.rank[0].to(rate),
            split.singular_values[0],
            basis.directions[0] * signs,
            basis.weights[0] / factors.whole.square().sum(),
            *shares,
        )

    rows = side_by_side(see, range(len(images)), through=latent_map)
    columns = [torch.stack(column) for column in zip(*rows, strict=True)]
    variances = factors.whole.square().sum(dim=0)
    best = float(variances[latent_map.latent_size :].sum() / variances.sum())
    parts = [float(factor.square().sum()) for factor in factors[1:]]
    numbers = [torch.tensor(best), torch.tensor(parts[0] / sum(parts))]
    return FaceSight(*[*columns, *numbers])


def _factors(faces: LabelledImages) -> _Factors:
    """Factors of the covariance of all pictures, of the means of people, and of what is left within people."""
    flat = faces.images.flatten(1)
    people = torch.unique(faces.labels)
    means = torch.stack([flat[faces.labels == person].mean(dim=0) for person in people])
    left = flat - means[torch.searchsorted(people, faces.labels)]
    return _Factors(covariance_factor(flat), covariance_factor(means), covariance_factor(left))


def _person_of(image: Float[Tensor, "1 c h w"], faces: LabelledImages) -> int:
    same = (faces.images == image).flatten(1).all(dim=1).nonzero()[0, 0]
    return int(faces.labels[same])
