"""On the fiber of each image, the image found nearest to one of another class."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from fiberscope.analysis.study.reading import relative_distance
from fiberscope.survey.batch import Batch
from fiberscope.survey.measure import Column, Measure, Values
from fiberscope.survey.scene import Scene


def nearest() -> Measure:
    """The nearest image on the fiber to an image of another class."""
    return Measure(
        "nearest",
        "The image on each image's fiber that is nearest to a random one of another class.",
        _columns,
        _compute,
    )


def _columns(scene: Scene) -> tuple[Column, ...]:
    return (
        Column("partner", "whole", "", f"place in {scene.reference.name} of the image of another class, drawn by seed"),
        Column("partner_label", "whole", "", "class of that image"),
        Column("partner_distance", "number", "pixel values", "Euclidean distance of that image from this one"),
        Column(
            "distance",
            "number",
            "pixel values",
            "Euclidean distance of the image found, which has the latent of this one, from the partner",
            main=True,
        ),
        Column(
            "blindness",
            "number",
            "share",
            "distance of the image found from the partner, over that of this image: 0 is blind to their difference",
            main=True,
        ),
        Column("residual", "number", "share", "|f(x) - z| / |z| by a fresh forward pass of the image found", main=True),
        Column("slope", "number", "", "distance gained per unit of way toward the partner: 0 or below at a minimum"),
        Column("search", "text", "", "converged, or why the search ended elsewhere"),
        Column("found", "image", "intensity", "the image found"),
    )


def _compute(scene: Scene, batch: Batch) -> Mapping[str, Values]:
    near = batch.nearest
    apart = (batch.partner_images - batch.images).flatten(1).norm(dim=1)
    return {
        "partner": batch.partners,
        "partner_label": scene.reference.labels[batch.partners],
        "partner_distance": apart,
        "distance": near.distance,
        "blindness": near.distance / torch.where(apart > 0, apart, torch.nan),
        "residual": relative_distance(batch.nearest_reading.latents, batch.reading.latents),
        "slope": near.slope,
        "search": [outcome.value for outcome in near.outcome],
        "found": near.points,
    }
