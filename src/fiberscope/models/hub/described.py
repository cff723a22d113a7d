"""A model of Hugging Face as its config.json describes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from fiberscope.models.image_model import of_two_towers
from fiberscope.problem.errors import ModelError

_LARGEST_SIDE, _MOST_CHANNELS = 8192, 1024


class Described(NamedTuple):
    """A name, its config.json, that as the configuration of transformers, and the class, before anything is built."""

    name: str
    path: Path
    configuration: Any
    kind: Any

    def build(self) -> nn.Module:
        """Returns the model with whatever numbers its class begins with."""
        module: nn.Module = self.kind(self.configuration)
        return module


def image_shape(model: Described) -> tuple[int, ...] | None:
    """Returns the shape of an image where the configuration says it; raises ModelError where that is none."""
    own = getattr(model.configuration, "vision_config", None) if of_two_towers(model.kind) else None
    configuration = own or model.configuration
    size, channels = getattr(configuration, "image_size", None), getattr(configuration, "num_channels", 3)
    if size is None:
        return None
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    if len(sides) != 2 or not _whole(sides, _LARGEST_SIDE) or not _whole((channels,), _MOST_CHANNELS):
        raise ModelError(
            f"{model.path}: image_size {size!r} and num_channels {channels!r} describe no image; wanted sides of 1 to "
            f"{_LARGEST_SIDE} pixels and 1 to {_MOST_CHANNELS} channels. Fetch it again"
        )
    return (channels, *sides)


def _whole(values: tuple[Any, ...], most: int) -> bool:
    return all(isinstance(each, int) and not isinstance(each, bool) and 1 <= each <= most for each in values)
