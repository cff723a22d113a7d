"""How a network takes named variations: what it minds, how far each goes, and what of each is free."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.study.reading import relative_distance
from fiberscope.analysis.study.study import Study
from fiberscope.moves import Outcome
from fiberscope.problem import Fiber
from fiberscope.variations import (
    Reach,
    Sensitivity,
    Variation,
    Yardsticks,
    give_way,
    invariance_range,
    response,
    sensitivity,
    yardsticks,
)

FOLLOWED = 20  # images of which curves and ranges are taken
FREED = 3  # images whose fibers are searched
GRID = 8  # steps of the curves, over all of a range
_YARDSTICKS = 100
_MOST_REFERENCES = 1000
_STEPS = 15  # twice as many brought results nearer by 1 %
_CHUNK_BYTES = 64 * 2**20


class Followed(NamedTuple):
    """Curves and ranges of the first images along each variation, on the CPU.

    ``distance`` is the curve in units of the within-class median, ``cut`` the largest share of its change that an image
    lost to the box. ``latent`` and ``label`` are the ranges, downward and upward, until the latent is a unit away and
    until the class changes: infinite beyond the range tried, NaN where a variation does not go that way. All are NaN
    where a variation leaves an image ``still``, for there is nothing to notice.
    """

    amounts: Float[Tensor, "variation amount"]
    distance: Float[Tensor, "variation amount image"]
    cut: Float[Tensor, "variation image"]
    still: Bool[Tensor, "variation image"]
    latent: Float[Tensor, "variation 2 image"]
    label: Float[Tensor, "variation 2 image"] | None


class Freed(NamedTuple):
    """For the first images, each varied by half the range, the nearest image that was found with its latent.

    ``left`` is the share of the variation that had to give way, NaN where that changes nothing or no search ended on
    the fiber; ``residual`` is relative to the latent, by a fresh forward pass. ``other_left`` is the same toward the
    partner of each image, an image of another class. All is on the CPU.
    """

    amounts: tuple[float, ...]
    varied: Float[Tensor, "variation image ..."]
    points: Float[Tensor, "variation image ..."]
    gave_way: Float[Tensor, "variation image"]
    left: Float[Tensor, "variation image"]
    residual: Float[Tensor, "variation image"]
    outcome: tuple[tuple[Outcome, ...], ...]
    other_left: Float[Tensor, " image"]


class Measured(NamedTuple):
    """Sensitivities at all images of the study, the rest at the first ones."""

    variations: tuple[Variation, ...]
    minded: Sensitivity
    followed: Followed
    freed: Freed


def measure(study: Study) -> Measured:
    """Measure each variation that suits the images at the images of the study."""
    variations = study.variations
    return Measured(variations, mind(study, variations), follow(study, variations), free(study, variations))


def mind(
    study: Study, variations: tuple[Variation, ...], *, jacobian: Float[Tensor, "image m n"] | None = None
) -> Sensitivity:
    """Relative sensitivities at all images, on the CPU; with their Jacobians, where they are known already."""
    found = sensitivity(study.latent_map, study.inputs, variations, yardstick=references(study), jacobian=jacobian)
    return Sensitivity(
        found.names,
        found.relative.cpu().double(),
        found.random.cpu().double(),
        found.class_change.cpu().double(),
        found.length.cpu().double(),
        found.undefined.cpu(),
    )


def references(study: Study) -> Yardsticks:
    """Steps between labelled images of two classes, and random ones."""
    # Spread over the whole: labelled images often come class by class.
    count = min(_MOST_REFERENCES, len(study.data.labels))
    some = torch.linspace(0, len(study.data.labels) - 1, count).long()
    images = study.data.images[some].to(study.inputs)
    return yardsticks(study.latent_map, images, study.data.labels[some], count=_YARDSTICKS, generator=study.rng())


def follow(study: Study, variations: tuple[Variation, ...]) -> Followed:
    """Follow each variation over its range, at the first images."""
    latent_map, images, scale = study.latent_map, study.inputs[:FOLLOWED], study.scale.within
    amounts = [variation.grid(GRID // 2 if variation.low < 0 < variation.high else GRID) for variation in variations]
    curves = [
        response(latent_map, images, variation, scale=scale, amounts=grid)
        for variation, grid in zip(variations, amounts, strict=True)
    ]
    still = torch.stack([(curve.moved == 0).all(dim=0) for curve in curves]).cpu()
    ranges = [
        invariance_range(latent_map, images, variation, scale=scale, predict=study.predict) for variation in variations
    ]
    labels = [each.label for each in ranges if each.label is not None]
    distance = torch.stack([curve.distance for curve in curves]).cpu().double()
    cut = torch.stack([curve.clipped.amax(dim=0) for curve in curves]).cpu().double()
    return Followed(
        torch.tensor(amounts, dtype=torch.float64),
        distance.masked_fill(still[:, None], torch.nan),
        cut.masked_fill(still, torch.nan),
        still,
        _sides([each.distance for each in ranges], still),
        _sides(labels, still) if labels else None,
    )


def free(study: Study, variations: tuple[Variation, ...]) -> Freed:
    """Vary the first images by half the range, upward where it goes upward, and give way until the latent is back."""
    images, partners = study.inputs[:FREED], study.aims[:FREED]
    amounts = tuple((variation.high or variation.low) / 2 for variation in variations)
    varied = [
        variation.orbit(images, images.new_tensor([amount])).images[0]
        for variation, amount in zip(variations, amounts, strict=True)
    ]
    count, each = len(variations), len(images)
    points, gave_way, left, outcome = _give_way(study, images, torch.stack([*varied, partners]))
    targets = study.reading.latents[:each].repeat(count, 1)
    residual = relative_distance(study.read(points[:count].flatten(0, 1)).latents, targets)
    return Freed(
        amounts,
        torch.stack(varied).cpu(),
        points[:count],
        gave_way[:count],
        left[:count],
        residual.double().view(count, each),
        tuple(outcome[row * each : (row + 1) * each] for row in range(count)),
        left[count],
    )


def _give_way(
    study: Study, images: Float[Tensor, "image ..."], goals: Float[Tensor, "goal image ..."]
) -> tuple[Tensor, Tensor, Tensor, tuple[Outcome, ...]]:
    """Points, distances and shares for each goal and image, on the CPU, and outcomes, image by image."""
    whole = goals.shape[:2]
    latent_map, rows = study.latent_map, goals.flatten(0, 1)
    own = images.expand(goals.shape).flatten(0, 1)
    # All goals together, as far as their Jacobians fit: small batches spend most of their time on overhead.
    size = max(1, _CHUNK_BYTES // (latent_map.latent_size * latent_map.input_size * rows.element_size()))
    found = [
        give_way(
            Fiber.through(latent_map, own[at : at + size]), own[at : at + size], rows[at : at + size], num_steps=_STEPS
        )
        for at in range(0, len(rows), size)
    ]
    outcome = tuple(end for part in found for end in part.outcome)
    there = torch.tensor([end is Outcome.CONVERGED for end in outcome])
    points, gave_way, left = (
        torch.cat([getattr(part, name) for part in found]).cpu() for name in ("points", "gave_way", "relative")
    )
    left = torch.where(there, left.double(), torch.nan)
    return points.view(goals.shape), gave_way.double().view(whole), left.view(whole), outcome


def _sides(reaches: list[Reach], still: Bool[Tensor, "variation image"]) -> Float[Tensor, "variation 2 image"]:
    both = torch.stack([torch.stack(reach) for reach in reaches]).cpu().double()
    return both.masked_fill(still[:, None], torch.nan)
