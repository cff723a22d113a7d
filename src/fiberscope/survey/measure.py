"""A measure: a pure function of an open scene and a batch of images to columns, each with its meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from torch import Tensor

from fiberscope.problem import FiberscopeError
from fiberscope.survey.batch import Batch
from fiberscope.survey.scene import Scene

Kind = Literal["number", "whole", "text", "image"]
Values = Tensor | Sequence[str | int | float | None]
TAKEN = frozenset({"image", "name", "label", "outcome", "error"})
"""Columns that every table of records has."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Column(NamedTuple):
    """A column of the records: its name, the kind of its values, their unit (empty for none) and meaning.

    Numbers are as precise as the network computes; NaN and None mean not known. An ``image`` column has the shape of
    the network's input and goes to the arrays instead. ``main`` columns stand in the summary.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    main: bool = False


@dataclass(frozen=True)
class Measure:
    """Something measured at every image of a survey.

    ``columns(scene)`` says what it will give, and ``compute(scene, batch)`` gives it: for each column one value an
    image, in the batch's order, that depends on the image, the scene and the image's own ``batch.rng(row)`` alone.
    ``settings`` are what else decides the values, as JSON: a survey with other ones is another survey.
    """

    name: str
    sentence: str
    columns: Callable[[Scene], Sequence[Column]]
    compute: Callable[[Scene, Batch], Mapping[str, Values]]
    settings: Mapping[str, object] = field(default_factory=dict)


def all_columns(measures: Sequence[Measure], scene: Scene) -> dict[str, tuple[Column, ...]]:
    """The columns of each measure by its name; raises `FiberscopeError` where two would have one name, or none fits."""
    found = {measure.name: tuple(measure.columns(scene)) for measure in measures}
    taken = dict.fromkeys(TAKEN, "every survey")
    for measure, columns in found.items():
        for column in columns:
            if not _NAME.fullmatch(column.name) or not column.meaning:
                raise FiberscopeError(
                    f"measures: column {column.name!r} of {measure} needs a meaning, and a name of small letters, "
                    "digits and underscores that begins with a letter."
                )
            if column.name in taken:
                raise FiberscopeError(
                    f"measures: {measure} and {taken[column.name]} both have a column {column.name}. Rename it in one."
                )
            taken[column.name] = measure
    return found


def slug(words: str) -> str:
    """Words as part of a column's name."""
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
