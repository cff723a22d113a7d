"""The door for networks of timm, by name. The only file that imports timm."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from fiberscope.models.opened import RANDOM, Opened, build_random, no_weights
from fiberscope.models.preprocessing import Preprocessing
from fiberscope.models.torchvision_package import torchvision
from fiberscope.models.weights import freeze, load_weights, read_weights, refuse_many_classes, stored_under
from fiberscope.problem.errors import MissingPackageError, ModelError

try:
    torchvision()  # timm imports it, and cannot help itself where that fails
    import timm
    from huggingface_hub import try_to_load_from_cache
except ImportError as missing:
    raise MissingPackageError(
        f"networks of timm need packages that are not installed ({missing}): pip install 'fiberscope[vision]'"
    ) from missing


def names() -> Sequence[str]:
    """Lists the networks of timm."""
    listed: list[str] = timm.list_models()
    return listed


def open_timm(name: str, weights: Path | None = None) -> Opened:
    """A network of timm with weights from a file, from the cache of the Hugging Face hub, or random ones.

    Size, mean and deviation of its images are those that timm names. A file may be of another number of classes.
    Raises ModelError where there is no such network, its weights are of another one, or not here.
    """
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, names(), n=5)
        raise ModelError(
            f"model: timm has no network {name!r}; close names: {', '.join(close) or 'none'}. Models of "
            "the Hugging Face hub are hf:NAME"
        )
    configuration = timm.get_pretrained_cfg(name)
    settings: dict[str, Any] = {} if configuration is None else vars(configuration)
    if weights == RANDOM:
        module, origin = build_random(lambda: _create(name)), "random"
    elif weights is not None:
        module, origin = _with_file(name, weights, settings)
    else:
        module, origin = _from_cache(name, settings)
    freeze(module)
    preprocessing = Preprocessing(
        mean=tuple(map(float, settings.get("mean") or (0.0,))), std=tuple(map(float, settings.get("std") or (1.0,)))
    )
    shape = settings.get("input_size")
    return Opened(module, tuple(shape) if shape else None, preprocessing, origin)


def _create(name: str, num_classes: int | None = None) -> nn.Module:
    options: dict[str, Any] = {} if num_classes is None else {"num_classes": num_classes}
    return timm.create_model(name, pretrained=False, **options)


def _with_file(name: str, weights: Path, settings: Mapping[str, Any]) -> tuple[nn.Module, str]:
    head = stored_under(read_weights(weights), f"{settings.get('classifier')}.weight")
    classes = None if head is None or not head.ndim else len(head)
    refuse_many_classes(weights, classes)
    module = build_random(lambda: _create(name, classes))
    return module, load_weights(module, weights)


def _from_cache(name: str, settings: Mapping[str, Any]) -> tuple[nn.Module, str]:
    repository = settings.get("hf_hub_id")
    path = try_to_load_from_cache(repository, "model.safetensors") if repository else None
    if not isinstance(path, str):
        raise no_weights(f"timm:{name}", f"looked for {repository or 'them'} in the cache of the Hugging Face hub")
    overlay = {"file": path}
    return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay), f"{repository}, from the cache"
