"""How strongly the network sees around each image, in how many directions, and what it misses."""

from __future__ import annotations

from collections.abc import Mapping

from fiberscope.geometry import invisible_share
from fiberscope.survey.batch import Batch
from fiberscope.survey.measure import Column, Measure, Values
from fiberscope.survey.scene import Scene

_MOST_VALUES = 64


def spectrum() -> Measure:
    """Singular values, rank, invisible share of the data's variance."""
    return Measure(
        "spectrum",
        "Singular values of the Jacobian, its rank, and the share of the data's variance that is invisible.",
        _columns,
        _compute,
        {"most_values": _MOST_VALUES},
    )


def _columns(scene: Scene) -> tuple[Column, ...]:
    return (
        *(
            Column(
                name, "number", "latent per pixel value", f"singular value {name[1:]} of the Jacobian, the largest 1"
            )
            for name in _names(scene)
        ),
        Column("rank", "whole", "", "directions that the network sees: singular values above rounding", main=True),
        Column(
            "invisible_share",
            "number",
            "share",
            "share of the variance of the reference images that lies in the null space of the Jacobian",
            main=True,
        ),
    )


def _compute(scene: Scene, batch: Batch) -> Mapping[str, Values]:
    split, names = batch.split, _names(scene)
    return {
        **dict(zip(names, split.singular_values[:, : len(names)].T, strict=True)),
        "rank": split.rank,
        "invisible_share": invisible_share(split, scene.factor),
    }


def _names(scene: Scene) -> list[str]:
    size = min(scene.latent_map.latent_size, scene.latent_map.input_size)
    return [f"s{place + 1}" for place in range(min(size, _MOST_VALUES))]
