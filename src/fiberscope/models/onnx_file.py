"""The door for ONNX files. The only file that imports onnx2torch."""

from __future__ import annotations

import warnings
from pathlib import Path

from torch import nn

from fiberscope.models.chunks import Chunked, any_batch
from fiberscope.models.onnx_slice import replace_slices
from fiberscope.models.torchvision_package import torchvision
from fiberscope.models.weights import freeze
from fiberscope.problem.errors import ModelError

try:
    torchvision()  # onnx2torch imports it, and cannot help itself where that fails
    from onnx import ModelProto, NodeProto
    from onnx2torch import convert
    from onnx2torch.node_converters import get_converter

    from fiberscope.models import onnx_passes
except ImportError as missing:
    raise ModelError(
        f"ONNX files need packages that are not installed ({missing}): pip install 'fiberscope[onnx]'"
    ) from missing


def load_onnx(source: Path | str | bytes, output: str | None = None) -> nn.Module:
    """The torch module of an ONNX file or its bytes, for a batch of any size; its first output unless one is named.

    Int8 weights become floats and dropout goes. It is in eval mode and its parameters require no gradient.
    Raises ModelError when there is no such file, it cannot be turned into torch, or a package is missing.
    """
    return open_onnx(source, output)[0]


def open_onnx(source: Path | str | bytes, output: str | None = None) -> tuple[nn.Module, tuple[int, ...] | None]:
    """The module of `load_onnx`, and the shape of one image where the file says it."""
    if not isinstance(source, bytes):
        source = Path(source)
        if not source.is_file():
            raise ModelError(f"model {source} does not exist; check the path")
    model = onnx_passes.read(source)
    module, dims = _convert(model, output, free_batch=True)
    fixed = [size for size in dims[1:] if size is not None]
    shape = tuple(fixed) if dims[1:] and len(fixed) == len(dims) - 1 else None
    if shape is not None and not any_batch(module, shape, dims[0] or 1):
        module = Chunked(_convert(model, output, free_batch=False)[0], dims[0] or 1)
        freeze(module)
    return module, shape


def _convert(model: ModelProto, output: str | None, *, free_batch: bool) -> tuple[nn.Module, tuple[int | None, ...]]:
    graph = onnx_passes.prepare(model, output=output, free_batch=free_batch, reads=_reads)
    try:
        with warnings.catch_warnings():  # of tensors that share read-only memory with the file
            warnings.simplefilter("ignore")
            module: nn.Module = convert(graph.model)
    except Exception as error:
        raise ModelError(
            f"model: its ONNX graph cannot be turned into torch ({type(error).__name__}: {error}). Give the network "
            "itself as file.py:factory or as an exported program .pt2"
        ) from error
    replace_slices(module)
    freeze(module)
    return module, graph.input_dims


def _reads(node: NodeProto, version: int) -> bool:
    try:
        get_converter(domain=node.domain, operation_type=node.op_type, version=version)
    except NotImplementedError:
        return False
    return True
