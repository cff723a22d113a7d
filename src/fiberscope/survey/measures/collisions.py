"""Whether judges see in the nearest image of another class what the network sees."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from fiberscope.judges import Panel, decide
from fiberscope.problem import FiberscopeError
from fiberscope.survey.batch import Batch
from fiberscope.survey.measure import Column, Measure, Values
from fiberscope.survey.scene import Scene


def collisions() -> Measure:
    """Verdicts of the judges on what `nearest` found."""
    return Measure(
        "collisions",
        "What judges see in the image that nearest finds, beside what the network sees.",
        _columns,
        _compute,
    )


def _columns(scene: Scene) -> tuple[Column, ...]:
    _panel(scene)
    return (
        Column("seen_class", "whole", "", "class that the network reads in the image found, else this image's label"),
        Column("judged_class", "whole", "", "class that the panel of judges sees in the image found"),
        Column("judged_confidence", "number", "probability", "probability that the panel gives it", main=True),
        Column("verdict", "text", "", "collision: another class for sure; wanted: the same; unsure: the panel is not"),
    )


def _compute(scene: Scene, batch: Batch) -> Mapping[str, Values]:
    opinions = _panel(scene).opinions(batch.nearest.points)
    read = batch.nearest_reading.classes
    classes = batch.labels if read is None else tuple(read.tolist())
    verdicts = decide(opinions, torch.tensor([each or 0 for each in classes]))
    return {
        "seen_class": classes,
        "judged_class": opinions.classes,
        "judged_confidence": opinions.confidence,
        "verdict": [None if seen is None else verdict.value for seen, verdict in zip(classes, verdicts, strict=True)],
    }


def _panel(scene: Scene) -> Panel:
    if scene.panel is None:
        raise FiberscopeError(
            "measures: collisions needs judges, and none ship for these images. Name classifiers of your own with "
            "--judge file.py:factory, or leave it out; nearest alone keeps the images, to be judged later."
        )
    return scene.panel
