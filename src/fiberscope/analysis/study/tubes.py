"""Neighbourhoods of the latents of a study's images, measured: their widths, what comes near, what they allow."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.study.study import Study
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.tangent import split_tangent
from fiberscope.moves import Nearest, Outcome, nearest
from fiberscope.moves.boundary import Boundary, boundary
from fiberscope.moves.extreme import Extremes, extremes
from fiberscope.moves.segment import segment
from fiberscope.moves.widths import Widths, widths
from fiberscope.problem import Fiber, Tube
from fiberscope.variations.radius import radius_of

RADII = ("5%", "10%", "25%", "50%", "100%")
SHARES = tuple(float(words.removesuffix("%")) / 100 for words in RADII)
MIDDLE = 2  # of the radii: the one that extremes are sought at
MOST_WIDE, MOST_NEAR, MOST_EXTREME = 16, 6, 4  # images, of the first, that each measurement takes
GOALS = 3  # metamers of each image, between which straight lines are drawn
_NAMED = ("rotation", "stroke thickness", "yaw", "light azimuth")
_NEAR_STEPS, _EXTREME_STEPS = 10, 12


class Growth(NamedTuple):
    """At each radius: widths along singular vectors, and boundaries along directions that have a name."""

    radii: tuple[float, ...]
    widths: tuple[Widths, ...]
    ways: tuple[str, ...]
    named: tuple[Boundary, ...]


class Approach(NamedTuple):
    """The nearest images to a goal on the fiber (first) and in each tube, and what is left of the way, as a share.

    NaN where the search failed.
    """

    found: tuple[Nearest, ...]
    left: Float[Tensor, "radius image"]


class Straight(NamedTuple):
    """The largest ``|f(x_t) - z|`` on straight lines, in units of the within-class median.

    ``spokes`` go from an image to metamers of it, ``edges`` between two of these; ``tube_spokes`` from an image to the
    point of each of its tubes that is nearest to its goal, in units of that tube's radius.
    """

    spokes: Float[Tensor, " line"]
    edges: Float[Tensor, " line"]
    tube_spokes: Float[Tensor, "radius image"]


class Range(NamedTuple):
    """How far one property can go in the tubes of the radius in the middle."""

    name: str
    own: Float[Tensor, " image"]
    found: Extremes


def grow(study: Study) -> Growth:
    """Widen the tubes around the first images, and go to their boundaries."""
    images = study.inputs[:MOST_WIDE]
    radii = tuple(radius_of(words, study.scale, study.data_reading.latents) for words in RADII)
    ways = _ways(study, len(images))
    directions = torch.stack(list(ways.values())).to(images) if ways else None
    fiber = Fiber.through(study.latent_map, images)
    tubes = [Tube(fiber, radius) for radius in radii]
    named = () if directions is None else tuple(boundary(tube, images, directions) for tube in tubes)
    return Growth(radii, tuple(widths(tube, images) for tube in tubes), tuple(ways), named)


def _ways(study: Study, count: int) -> dict[str, Float[Tensor, "image ..."]]:
    """Directions with a name, without those that some image does not have."""
    images = study.inputs[:count]
    found = {it.name: it.tangent(images) for it in study.variations if it.name in _NAMED}
    toward = study.aims[:count] - images
    found["toward a goal"] = toward
    hidden = split_tangent(jacobian(study.latent_map, images)).project_tangent(toward.flatten(1))
    found["its unseen part"] = hidden.view_as(toward)
    return {name: way for name, way in found.items() if float(way.flatten(1).norm(dim=1).min()) > 1e-3}


def approach(study: Study, radii: tuple[float, ...]) -> Approach:
    """Look in wider and wider tubes for the image nearest to the goal; each search begins where the last ended."""
    images, goals = study.inputs[:MOST_NEAR], study.aims[:MOST_NEAR]
    fiber = Fiber.through(study.latent_map, images)
    found = [nearest(fiber, goals)]
    for radius in radii:
        found.append(nearest(Tube(fiber, radius), goals, start=found[-1].points, num_steps=_NEAR_STEPS))
    apart = (goals - images).flatten(1).norm(dim=1)
    left = [torch.where(_there(each), each.distance / apart, torch.nan) for each in found]
    return Approach(tuple(found), torch.stack(left))


def straighten(study: Study, approached: Approach, radii: tuple[float, ...]) -> Straight:
    """Draw straight lines between images that share a latent, and to images of the tubes."""
    images = study.inputs[:MOST_NEAR]
    count = len(images)
    drawn = torch.randint(len(study.data.labels), (count * GOALS,), generator=study.rng())
    goals = study.data.images[drawn].to(images)
    every = torch.arange(count, device=images.device).repeat_interleave(GOALS)
    fiber = Fiber.through(study.latent_map, images[every])
    found = nearest(fiber, goals, num_steps=_NEAR_STEPS)
    there = _there(found)
    spokes = segment(fiber, images[every], found.points).excursion[there]
    first, second = _pairs(count, there)
    chords = Fiber(study.latent_map, fiber.target[first])
    edges = segment(chords, found.points[first], found.points[second]).excursion
    own = Fiber.through(study.latent_map, images)
    in_tubes = [
        torch.where(_there(each), segment(own, images, each.points).excursion, torch.nan)
        for each in approached.found[1:]
    ]
    size = torch.tensor(radii, dtype=images.dtype, device=images.device)[:, None]
    return Straight(spokes / study.scale.within, edges / study.scale.within, torch.stack(in_tubes) / size)


def share_inside(peaks: Float[Tensor, " line"], limit: float) -> float:
    """The share of lines whose peak is at most that, of those that are known; NaN of none."""
    known = peaks[~peaks.isnan()]
    # An end on the surface of a tube is inside, whatever rounding says.
    return float((known <= limit * (1 + 1e-6)).double().mean())


def _there(found: Nearest) -> Bool[Tensor, " row"]:
    return torch.tensor([outcome is Outcome.CONVERGED for outcome in found.outcome], device=found.distance.device)


def _pairs(count: int, there: Bool[Tensor, " row"]) -> tuple[Tensor, Tensor]:
    """Every two of the metamers of one image that were found."""
    a, b = torch.triu_indices(GOALS, GOALS, offset=1, device=there.device)
    begin = GOALS * torch.arange(count, device=there.device)[:, None]
    first, second = (begin + a).flatten(), (begin + b).flatten()
    both = there[first] & there[second]
    return first[both], second[both]


def stretch(study: Study, radius: float) -> tuple[Range, ...]:
    """The least and the most ink, in all and in the middle of the image, that a tube allows."""
    images = study.inputs[:MOST_EXTREME]
    tube = Tube(Fiber.through(study.latent_map, images), radius)
    return tuple(
        Range(name, (images * weights).flatten(1).sum(dim=1), extremes(tube, images, weights, num_steps=_EXTREME_STEPS))
        for name, weights in _properties(images).items()
    )


def _properties(images: Float[Tensor, "image ..."]) -> dict[str, Float[Tensor, "..."]]:
    whole = torch.ones_like(images[0])
    middle = torch.zeros_like(whole)
    if whole.ndim != 3:
        return {"ink in all": whole / whole.numel()}
    height, width = whole.shape[1:]
    middle[:, 3 * height // 8 : 5 * height // 8, 3 * width // 8 : 5 * width // 8] = 1
    return {"ink in all": whole / whole.numel(), "ink in the middle": middle / middle.sum()}
