"""How far each named variation goes at each image before the network takes notice.

Apart from `variations`, for it takes some thousand forward passes an image.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Int64
from torch import Tensor

from fiberscope.analysis.study.reading import read_classes
from fiberscope.survey.batch import Batch
from fiberscope.survey.measure import Column, Measure, Values, slug
from fiberscope.survey.scene import Scene
from fiberscope.variations import Reach, invariance_range

_PER_SIDE = 8


def ranges() -> Measure:
    """Invariance ranges of each variation."""
    return Measure(
        "ranges",
        "Invariance ranges: how far each variation goes until the latent is a within-class distance away, and until "
        "the class changes.",
        _columns,
        _compute,
        {"per_side": _PER_SIDE},
    )


def _columns(scene: Scene) -> tuple[Column, ...]:
    columns = []
    for variation in scene.variations:
        for event, words in _events(scene).items():
            for side, way in (("low", "downward"), ("high", "upward")):
                meaning = f"least amount of {variation.name}, {way}, at which {words}; infinite if none within "
                meaning += f"{variation.low:g} to {variation.high:g}, empty if it does not go that way"
                columns.append(Column(f"{event}_{slug(variation.name)}_{side}", "number", variation.unit, meaning))
    return tuple(columns)


def _events(scene: Scene) -> dict[str, str]:
    latent = {"range": "the latent is farther away than the median distance within a class"}
    return latent if scene.logits is None else {**latent, "class_range": "the network reads another class"}


def _compute(scene: Scene, batch: Batch) -> Mapping[str, Values]:
    found: dict[str, Values] = {}
    logits = scene.logits

    def predict(images: Tensor) -> Int64[Tensor, " batch"]:
        assert logits is not None
        return read_classes(scene.latent_map, logits, images)

    for variation in scene.variations:
        reach = invariance_range(
            scene.latent_map,
            batch.images,
            variation,
            scale=scene.scale.within,
            predict=None if logits is None else predict,
            per_side=_PER_SIDE,
        )
        name = slug(variation.name)
        # A variation that leaves an image as it is has no range: there is nothing to notice.
        still = (variation.tangent(batch.images) == 0).flatten(1).all(dim=1)
        found |= _sides(f"range_{name}", reach.distance, still)
        if reach.label is not None:
            found |= _sides(f"class_range_{name}", reach.label, still)
    return found


def _sides(name: str, reach: Reach, still: Tensor) -> dict[str, Values]:
    return {
        f"{name}_{side}": torch.where(still, torch.nan, amounts)
        for side, amounts in (("low", reach.low), ("high", reach.high))
    }
