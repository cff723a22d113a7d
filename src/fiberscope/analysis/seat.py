"""Judges of a user's own, on the panel beside those that ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from fiberscope import models
from fiberscope.data import LabelledImages
from fiberscope.judges import ModuleJudge, Panel, from_module
from fiberscope.problem import FiberscopeError


def seat(panel: Panel | None, judges: Sequence[str], data: LabelledImages) -> Panel | None:
    """The panel with networks of a user's own on it, each named as a model is, that judge the classes of the data.

    Raises FiberscopeError for one that does not take such images, or does not tell as many classes apart.
    """
    if not judges:
        return panel
    classes = int(data.labels.max()) + 1
    own = tuple(_judge(name, data.images[:2], classes) for name in judges)
    if panel is None:
        return Panel(own)
    weights = panel.weights or (1.0,) * len(panel.judges)
    each = sum(weights) / len(weights)  # a judge of the user's weighs as much as one that ships does on average
    return replace(panel, judges=(*panel.judges, *own), weights=(*weights, *(each for _ in own)))


def _judge(name: str, images: Tensor, classes: int) -> ModuleJudge:
    """A network as a judge, tried on two images: one that cannot judge is refused before anything is computed."""
    module = models.resolve(name)
    try:
        with torch.no_grad():
            found = tuple(module(images).shape)
    except (RuntimeError, ValueError, TypeError) as error:
        raise FiberscopeError(
            f"judge: {name} does not take images of shape {tuple(images.shape[1:])} ({error}). Give a network of such "
            "images."
        ) from error
    if found != (len(images), classes):
        raise FiberscopeError(
            f"judge: {name} answers two images with shape {found}, wanted (2, {classes}): one number for each of the "
            f"{classes} classes. Give a classifier of these classes."
        )
    return from_module(module, name=Path(name).name, num_classes=classes)
