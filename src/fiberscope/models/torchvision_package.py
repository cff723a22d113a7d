"""Importing torchvision, also beside a torch of another build. The only file that imports it."""

from __future__ import annotations

import sys
from types import ModuleType

import torch

_DEPENDENTS = ("torchvision", "timm", "onnx2torch")  # half imported, they would stay so
_KEPT: list[torch.library.Library] = []


def torchvision() -> ModuleType:
    """The package; onnx2torch, timm and transformers import it too, so call this before them.

    The torchvision of the package index beside a torch without CUDA fails to import, for want of operators that no
    classifier uses. They are declared then, without a body, and it is imported again.
    Raises ImportError where it is not installed.
    """
    try:
        return _import()
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    _KEPT.append(library)  # one that is collected takes its operators along
    for name in [name for name in sys.modules if name.partition(".")[0] in _DEPENDENTS]:
        del sys.modules[name]
    return _import()


def _import() -> ModuleType:
    import torchvision  # noqa: PLC0415  (it may fail, and be tried again)

    package: ModuleType = torchvision
    return package
