"""The judges of the panel that ships: how each is built, trained and weighed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from fiberscope.judges.gradients import Gradients, fit_gradients
from fiberscope.judges.neighbours import Neighbours, fit_neighbours
from fiberscope.judges.strokes import Strokes, fit_strokes

HELD_BACK = 5000  # training digits that no judge learns from: temperatures and thresholds are set on them


class Lesson(NamedTuple):
    """What a judge learns from, `fitted` digits first and those held back last, and whom to tell of its steps."""

    images: Float[Tensor, "digit 1 28 28"]
    labels: Int64[Tensor, " digit"]
    fitted: int
    seed: int
    on_step: Callable[[int, int], None]


class Recipe(NamedTuple):
    """How a judge is built before its weights are known, how it is trained, and its weight in the panel."""

    description: str
    build: Callable[[], nn.Module]
    fit: Callable[[Lesson], nn.Module]
    weight: float


def _strokes(lesson: Lesson) -> Strokes:
    images, labels = lesson.images[: lesson.fitted], lesson.labels[: lesson.fitted]
    return fit_strokes(images, labels, epochs=4, seed=lesson.seed, on_step=lesson.on_step)


def _gradients(lesson: Lesson) -> Gradients:
    return fit_gradients(lesson.images[: lesson.fitted], lesson.labels[: lesson.fitted])


def _neighbours(lesson: Lesson) -> Neighbours:
    return fit_neighbours(lesson.images, lesson.labels, voters=lesson.fitted)


RECIPES: Mapping[str, Recipe] = {
    "strokes": Recipe("convolutional network on ink, trained on nuisances", Strokes, _strokes, 2.0),
    "gradients": Recipe("logistic regression on histograms of gradients", Gradients, _gradients, 1.0),
    "neighbours": Recipe("nearest training digits, upright", lambda: Neighbours(60_000, 0), _neighbours, 1.0),
}


def split(count: int, seed: int) -> Int64[Tensor, " digit"]:
    """The order in which judges see the training digits; the last ones are held back."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))
