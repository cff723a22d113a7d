"""One front door for every network that a user can name."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from fiberscope.models.fetched import FETCHED, open_fetched
from fiberscope.models.library import load
from fiberscope.models.misnamed import refuse_misnamed
from fiberscope.models.opened import RANDOM, Opened
from fiberscope.models.preprocessing import Preprocessing, prepare
from fiberscope.models.torch_archive import refuse_torchscript
from fiberscope.models.user_model import open_user
from fiberscope.problem.errors import ModelError

DIGITS = (1, 28, 28)


def resolve(model: str, weights: Path | None = None) -> nn.Module:
    """Load a network that a user named, see `open_model`, behind what it wants done to images where that is known."""
    opened = open_model(model, weights)
    shape = opened.input_shape
    return opened.module if shape is None else prepare(opened.module, opened.preprocessing, shape)


def open_model(model: str, weights: Path | None = None) -> Opened:
    """Open a network by the door that its name asks for.

    ``file.py:factory``, ``timm:NAME`` and ``torchvision:NAME`` take weights from a file; of the latter two, and of
    ``hf:NAME_OR_FOLDER``, they may also be random. Files ``.pt2`` and ``.onnx`` (``net.onnx:NAME`` for another output
    than the first), networks that ship, were trained or fetched here have their own.
    Raises ModelError when there is no such network, or weights are given where it has its own.
    """
    kind, _, name = model.partition(":")
    if kind in ("timm", "torchvision", "hf") and name:
        return _by_name(kind, name, weights)
    if ".py:" in model:
        _refuse_random(model, weights)
        return _own(*open_user(model, weights))
    if model.endswith(".py"):
        raise ModelError(f"model {model!r} lacks its factory; write {model}:NAME, where NAME() returns your network")
    refuse_torchscript(Path(model))
    if model.endswith((".pt", ".pth", ".ckpt")):
        raise ModelError(
            f"model {model} is a file of weights, and no network; give them by --weights beside --model file.py:factory"
        )
    if not (model.endswith((".onnx", ".pt2")) or ".onnx:" in model):
        refuse_misnamed(model, FETCHED)
    if weights is not None:
        raise ModelError(
            f"weights {weights} are given, but model {model!r} has its own; leave the weights out, or give "
            "the network as file.py:factory"
        )
    return _with_its_own(model)


def _by_name(kind: str, name: str, weights: Path | None) -> Opened:
    # Each door needs an extra, and says so when it is opened.
    match kind:
        case "timm":
            from fiberscope.models.timm_names import open_timm  # noqa: PLC0415

            return open_timm(name, weights)
        case "torchvision":
            from fiberscope.models.torchvision_names import open_torchvision  # noqa: PLC0415

            return open_torchvision(name, weights)
        case _:
            from fiberscope.models.hugging_face import open_hugging_face  # noqa: PLC0415

            return open_hugging_face(name, weights)


def _with_its_own(model: str) -> Opened:
    path, _, output = model.partition(".onnx:") if ".onnx:" in model else (model.removesuffix(".onnx"), "", "")
    if model.endswith(".onnx") or output:
        from fiberscope.models.onnx_file import open_onnx  # noqa: PLC0415

        module, shape = open_onnx(Path(f"{path}.onnx"), output or None)
        return Opened(module, shape, Preprocessing(), "its own")
    if model.endswith(".pt2"):
        from fiberscope.models.exported_program import open_exported  # noqa: PLC0415  (it takes a second to import)

        return open_exported(Path(model))
    if model in FETCHED:
        return open_fetched(model)
    return Opened(load(model), DIGITS, Preprocessing(), "its own")


def _refuse_random(model: str, weights: Path | None) -> None:
    if weights == RANDOM:
        raise ModelError(
            f"weights: random ones are drawn for timm:, torchvision: and hf: alone; those of {model} come from its "
            "factory. Leave them out, and where the factory draws them let it call torch.manual_seed first"
        )


def _own(module: nn.Module, weights: str) -> Opened:
    """A network of a user's factory: the shape of its images is its attribute `input_shape`, where it has one."""
    shape = getattr(module, "input_shape", None)
    known = isinstance(shape, tuple | list) and all(isinstance(side, int) for side in shape)
    return Opened(module, tuple(shape) if known and shape else DIGITS, Preprocessing(), weights)
