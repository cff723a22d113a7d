"""How visible each named variation is to the network at each image."""

from __future__ import annotations

from collections.abc import Mapping

from fiberscope.survey.batch import Batch
from fiberscope.survey.measure import Column, Measure, Values, slug
from fiberscope.survey.scene import Scene
from fiberscope.variations import sensitivity


def variations() -> Measure:
    """Relative sensitivity of each variation."""
    return Measure(
        "variations",
        "Relative sensitivity of the latent to each named variation: 1 is as visible as a change of class.",
        _columns,
        _compute,
    )


def _columns(scene: Scene) -> tuple[Column, ...]:
    unit = "changes of class"
    return (
        *(
            Column(
                f"sensitivity_{slug(variation.name)}",
                "number",
                unit,
                f"change of latent along {variation.name} per pixel value, over the median along changes of class; "
                "empty where it does not change the image",
                main=True,
            )
            for variation in scene.variations
        ),
        Column("sensitivity_random", "number", unit, "the same along random directions, their median"),
        Column(
            "class_change",
            "number",
            "latent per pixel value",
            "median change of latent along changes of class: the unit",
        ),
    )


def _compute(scene: Scene, batch: Batch) -> Mapping[str, Values]:
    found = sensitivity(
        scene.latent_map, batch.images, scene.variations, yardstick=scene.yardstick, jacobian=batch.jacobian
    )
    return {
        **{f"sensitivity_{slug(name)}": row for name, row in zip(found.names, found.relative, strict=True)},
        "sensitivity_random": found.random,
        "class_change": found.class_change,
    }
