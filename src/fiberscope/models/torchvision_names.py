"""The door for networks of torchvision, by name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fiberscope.models.opened import RANDOM, Opened, build_random, no_weights
from fiberscope.models.preprocessing import Preprocessing
from fiberscope.models.torchvision_package import torchvision
from fiberscope.models.weights import freeze, load_weights, read_weights, refuse_many_classes, stored_under
from fiberscope.problem.errors import MissingPackageError, ModelError

try:
    _models = torchvision().models
except ImportError as missing:
    raise MissingPackageError(
        f"networks of torchvision need packages that are not installed ({missing}): pip install 'fiberscope[vision]'"
    ) from missing

_HEADS = ("fc.weight", "head.weight", "heads.head.weight", "classifier.weight")


def names() -> Sequence[str]:
    """Lists the networks of torchvision."""
    listed: list[str] = _models.list_models()
    return listed


def open_torchvision(name: str, weights: Path | None = None) -> Opened:
    """A network of torchvision with weights from a file, from torch's cache of downloads, or random ones.

    Size, mean and deviation of its images are those that its published weights name. Raises ModelError where there is
    no such network, its weights are of another one, or not here.
    """
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=5)
        raise ModelError(f"model: torchvision has no network {name!r}; close names: {', '.join(close) or 'none'}")
    published: Any = next(iter(_models.get_model_weights(name)), None)
    if published is not None:
        published = _models.get_model_weights(name).DEFAULT
    if weights == RANDOM:
        module, origin = build_random(lambda: _create(name)), "random"
    else:
        path = weights or _in_cache(name, published)
        found = read_weights(path)
        heads = (stored_under(found, head) for head in _HEADS)
        classes = next((len(head) for head in heads if head is not None and head.ndim), None) or _last(found)
        refuse_many_classes(path, classes)
        module = build_random(lambda: _create(name, classes))
        origin = load_weights(module, path)
    freeze(module)
    shape, preprocessing = _images(published)
    return Opened(module, shape, preprocessing, origin)


def _create(name: str, num_classes: int | None = None) -> nn.Module:
    options: dict[str, Any] = {} if num_classes is None else {"num_classes": num_classes}
    # Builders of detection and segmentation fetch the weights of a backbone where that argument is left out.
    arguments = inspect.signature(_models.get_model_builder(name)).parameters
    options |= {each: None for each in arguments if each.startswith("weights")}
    module: nn.Module = _models.get_model(name, **options)
    return module


def _last(found: Any) -> int | None:
    """Classes by the last matrix of the file: the head comes last."""
    matrices = [tensor for tensor in found.values() if isinstance(tensor, Tensor) and tensor.ndim >= 2]
    return len(matrices[-1]) if matrices else None


def _in_cache(name: str, published: Any) -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = folder / Path(published.url).name if published is not None else folder
    if not file.is_file():
        raise no_weights(f"torchvision:{name}", f"looked for {file}")
    return file


def _images(published: Any) -> tuple[tuple[int, ...] | None, Preprocessing]:
    transforms = published.transforms() if published is not None else None
    sizes, mean, std = (getattr(transforms, each, None) for each in ("crop_size", "mean", "std"))
    side = sizes[0] if isinstance(sizes, list | tuple) else sizes
    if not isinstance(side, int) or not mean or not std:
        return None, Preprocessing()
    return (3, side, side), Preprocessing(mean=tuple(map(float, mean)), std=tuple(map(float, std)))
