"""One network of a comparison, in numbers: on the images and pairs that all networks are asked about."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.study.sight import more_ink
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_measures import mind
from fiberscope.geometry import data_basis, invisible_share, jacobian, split_tangent
from fiberscope.judges import Verdict

AT_DISTANCES = (2.0, 4.0, 6.0, 8.0)  # at which collision rates are compared, Euclidean norm over pixels
_QUARTILES = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
NUM_SHOWN = 3
NUM_DIRECTIONS = 3


class Portrait(NamedTuple):
    """What is compared of a network, a value an image or pair; values of pairs that were not reached are NaN.

    ``blindness`` is the distance of the nearest image with another's latent over the distance between the two images;
    ``collided`` says whether judges see in it another class than the one whose latent it has. ``spectrum`` is in class
    distances: singular values over the median latent distance between classes. ``invisible`` is the share of the
    variance of the labelled images that lies in the null space, ``unseen`` the directions there in which they vary
    most, for the first images, and ``shares`` theirs of that variance. ``read`` is the share of labelled images that
    the network reads right, NaN for one that reads no class.
    """

    name: str
    read: float
    distance: Float[Tensor, " pair"]
    blindness: Float[Tensor, " pair"]
    collided: Bool[Tensor, " pair"] | None
    spectrum: Float[Tensor, "image m"]
    invisible: Float[Tensor, " image"]
    unseen: Float[Tensor, "shown k n"]
    shares: Float[Tensor, "shown k"]
    variations: tuple[str, ...]
    sensitivity: Float[Tensor, "variation image"]


def portray(study: Study, network: Study) -> Portrait:
    """Measure a network at the images of the study, and on its pairs of an image and a partner."""
    latent_map, sources, found = network.latent_map, network.inputs, network.metamers
    distance, blindness = (
        torch.where(found.there, values.double(), torch.nan) for values in (found.distance, found.blindness)
    )
    jacobians = jacobian(latent_map, sources)
    split = split_tangent(jacobians)
    factor = study.factor.to(sources)
    basis = data_basis(split_tangent(jacobians[:NUM_SHOWN]), factor, count=NUM_DIRECTIONS)
    minded = mind(network, study.variations, jacobian=jacobians)
    return Portrait(
        network.model,
        _share_read(network),
        distance,
        blindness,
        _collided(study, found.points, found.there),
        split.singular_values.cpu().double() / network.scale.between,
        invisible_share(split, factor).cpu().double(),
        more_ink(basis.directions).cpu(),
        (basis.weights / factor.square().sum()).cpu(),
        minded.names,
        minded.relative,
    )


def _share_read(network: Study) -> float:
    return float("nan") if network.logits is None else float(network.hits.double().mean())


def _collided(study: Study, points: Float[Tensor, "pair ..."], there: Bool[Tensor, " pair"]) -> Tensor | None:
    """Where the panel is sure of a class, and it is not the one whose latent the image has."""
    labels = study.partners.labels
    if study.panel is None or any(label is None for label in labels):
        return None
    stands_for = torch.tensor([-1 if label is None else label for label in labels])
    verdicts = study.panel.verdicts(points.cpu().float(), stands_for)
    return there & torch.tensor([verdict is Verdict.COLLISION for verdict in verdicts])


def quartiles(values: Float[Tensor, "*rows image"]) -> Float[Tensor, "*rows 3"]:
    """Lower quartile, median and upper quartile of what is known."""
    return torch.nanquantile(values.double(), _QUARTILES, dim=-1).movedim(0, -1)


def collision_rates(portrait: Portrait) -> list[float]:
    """Share of all pairs that collide within each distance; NaN without judges."""
    if portrait.collided is None:
        return [float("nan")] * len(AT_DISTANCES)
    return [float((portrait.collided & (portrait.distance <= far)).double().mean()) for far in AT_DISTANCES]
