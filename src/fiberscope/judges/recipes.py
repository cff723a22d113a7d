"""The judges of the panel that ships: how each is built, trained and weighed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from fiberscope.judges.gradients import Gradients, fit_gradients
from fiberscope.judges.neighbours import Neighbours, fit_neighbours
from fiberscope.judges.strokes import Strokes, Upright, fit_reader

MEMORY = "memory.safetensors"  # what the judges have seen in training
THRESHOLD = 0.6  # below it, the panel that ships is unsure
_HELD_BACK = 12  # one training digit in so many is not learnt from: temperatures are set on these


class Lesson(NamedTuple):
    """What a judge learns from, `fitted` digits first and those held back last, and whom to tell of its steps."""

    images: Float[Tensor, "digit 1 28 28"]
    labels: Int64[Tensor, " digit"]
    fitted: int
    seed: int
    on_step: Callable[[int, int], None]


class Recipe(NamedTuple):
    """How a judge is built to fit its tensors, how it is trained, and its weight in the panel."""

    description: str
    build: Callable[[Mapping[str, Tensor]], nn.Module]
    fit: Callable[[Lesson], nn.Module]
    weight: float


def _strokes(lesson: Lesson) -> Strokes:
    images, labels = lesson.images[: lesson.fitted], lesson.labels[: lesson.fitted]
    return fit_reader(Strokes, images, labels, epochs=4, seed=lesson.seed, on_step=lesson.on_step)


def _upright(lesson: Lesson) -> Upright:
    images, labels = lesson.images[: lesson.fitted], lesson.labels[: lesson.fitted]
    return fit_reader(Upright, images, labels, epochs=3, seed=lesson.seed, on_step=lesson.on_step)


def _gradients(lesson: Lesson) -> Gradients:
    return fit_gradients(lesson.images[: lesson.fitted], lesson.labels[: lesson.fitted])


def _neighbours(lesson: Lesson) -> Neighbours:
    return fit_neighbours(lesson.images, lesson.labels, voters=lesson.fitted)


def _empty_neighbours(tensors: Mapping[str, Tensor]) -> Neighbours:
    return Neighbours(voters=len(tensors["labels"]))


# The two networks are kin and the linear judge is the weakest alone, so neighbours weigh most. Of eleven weightings
# tried on the images of benchmarks/between_digits.py, the panels of three or more judges lay between 80.0 and 82.1 %.
RECIPES: Mapping[str, Recipe] = {
    "strokes": Recipe("convolutional network on ink, trained on nuisances", lambda _: Strokes(), _strokes, 1.0),
    "gradients": Recipe("logistic regression on histograms of gradients", lambda _: Gradients(), _gradients, 0.5),
    "neighbours": Recipe("nearest training digits, upright", _empty_neighbours, _neighbours, 1.5),
    "upright": Recipe("the same network on ink without slant", lambda _: Upright(), _upright, 1.0),
}


def split(count: int, seed: int) -> tuple[Int64[Tensor, " digit"], int]:
    """The order in which judges see the training digits, and how many are fitted; the last ones are held back."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed)).flip(0), count - count // _HELD_BACK
