"""The door for ONNX files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from fiberscope.models.chunks import PROBED, Chunked, any_batch, refuse_failing_pass
from fiberscope.models.torchvision_package import torchvision
from fiberscope.problem.errors import MissingPackageError, ModelError

try:
    torchvision()  # onnx2torch imports it, and cannot help itself where that fails
    from onnx import TypeProto

    from fiberscope.models.onnx import batch as onnx_batch
    from fiberscope.models.onnx import floats, layers, refusals
    from fiberscope.models.onnx import graph as onnx_graph
    from fiberscope.models.onnx.fold import fold
    from fiberscope.models.onnx.limits import tell
    from fiberscope.models.onnx.read import read
except ImportError as missing:
    raise MissingPackageError(
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
    try:
        with warnings.catch_warnings():  # of converters that are not meant for people
            warnings.simplefilter("ignore")
            return _open(source, output)
    except ModelError:
        raise
    except Exception as error:  # of a kind of damage that nothing before this has a word for
        raise ModelError(
            f"model: its ONNX graph cannot be turned into torch ({tell(error)}). Copy it again, or give the network "
            "itself as file.py:factory or as an exported program .pt2"
        ) from error


def _open(source: Path | bytes, output: str | None) -> tuple[nn.Module, tuple[int, ...] | None]:
    folder = None if isinstance(source, bytes) else source.parent
    graph = floats.half_as_single(onnx_graph.make_graph(read(source), output, folder))
    batch = onnx_batch.declared_batch(graph)
    graph = floats.in_one_precision(fold(onnx_batch.with_batch(graph, None)).graph)
    refusals.check_input(graph)
    types = fold(graph).types
    refusals.refuse_what_cannot_be_explored(graph, types)
    layers.refuse_what_is_not_read(graph)
    opened = onnx_batch.free_batch(graph, batch)
    shape = onnx_batch.image_shape(graph)
    if shape is None:
        onnx_batch.refuse_large_passes(opened, PROBED)
        return layers.make_network(opened, types), None
    module = _with_open_batch(opened, types, shape)
    if module is None:
        onnx_batch.refuse_large_passes(graph, batch or 1)
        module = Chunked(layers.make_network(graph, types), batch or 1).eval()
        refuse_failing_pass(module, shape)
    return module, shape


def _with_open_batch(
    graph: onnx_graph.Graph, types: Mapping[str, TypeProto], shape: tuple[int, ...]
) -> nn.Module | None:
    """The module for batches of any size; None where the graph does not take them, or not in the memory there is."""
    try:
        onnx_batch.refuse_large_passes(graph, PROBED)
    except ModelError:
        return None  # the size it was exported for may be a smaller one
    module = layers.make_network(graph, types)
    return module if any_batch(module, shape) else None
