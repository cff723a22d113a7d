"""What the network reads in each image."""

from __future__ import annotations

from collections.abc import Mapping

from fiberscope.survey.batch import Batch
from fiberscope.survey.measure import Column, Measure, Values
from fiberscope.survey.scene import Scene


def recognition() -> Measure:
    """Class, confidence, size of the latent."""
    return Measure("recognition", "The class that the network reads, and how sure it is of it.", _columns, _compute)


def _columns(scene: Scene) -> tuple[Column, ...]:
    size = Column("latent_norm", "number", "latent", "Euclidean norm of the image's latent", main=True)
    if scene.logits is None:
        return (size,)
    return (
        Column("network_class", "whole", "", "class that the network reads in the image"),
        Column("confidence", "number", "probability", "probability that the network gives it", main=True),
        size,
    )


def _compute(scene: Scene, batch: Batch) -> Mapping[str, Values]:
    reading = batch.reading
    found: dict[str, Values] = {"latent_norm": reading.latents.norm(dim=1)}
    if reading.classes is not None and reading.probabilities is not None:
        found |= {"network_class": reading.classes, "confidence": reading.probabilities}
    return found
