"""From the operators of an ONNX graph to a torch module. The only file that imports onnx2torch.

Of a file only numbers reach the code that torch.fx writes: values and layers have names of our own.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from operator import getitem
from typing import Any

import numpy as np
import torch
from onnx import GraphProto, NodeProto, TensorProto, TypeProto, ValueInfoProto, helper, numpy_helper
from onnx2torch.node_converters import get_converter
from onnx2torch.onnx_graph import OnnxGraph
from torch import Tensor, fx, nn
from torch.fx.node import Argument

from fiberscope.models.onnx.attributes import value_of
from fiberscope.models.onnx.graph import Graph
from fiberscope.models.onnx.limits import tell
from fiberscope.models.onnx.modules import OWN
from fiberscope.models.onnx.names import CONSTANTS
from fiberscope.models.onnx.versions import choose_versions, say_in_older_words
from fiberscope.models.weights import freeze
from fiberscope.problem.errors import ModelError

_SLICE_BY_INPUTS = 10  # from this version on


def refuse_what_is_not_read(graph: Graph) -> None:
    """Raise ModelError that lists the operators of a graph that cannot be turned into torch."""
    choose_versions(say_in_older_words(graph), _reads)


def make_network(graph: Graph, types: Mapping[str, TypeProto]) -> fx.GraphModule:
    """The module of a graph, whose values have these types, in eval mode and with parameters that need no gradient.

    Raises ModelError where an operator cannot be turned into torch.
    """
    graph = say_in_older_words(graph)
    versions = choose_versions(graph, _reads)
    root = nn.Module()
    root.add_module(CONSTANTS, nn.Module())
    steps = fx.Graph()
    values = {name: steps.placeholder("images") for name in graph.inputs}
    held = _Held(graph, types)
    with torch.random.fork_rng(devices=[]):  # layers draw first weights, which are replaced
        for node, version in zip(graph.nodes, versions, strict=True):
            module, inputs = _module(node, version, held)
            root.add_module(node.name, module)
            arguments = [_argument(name, values, graph.constants, root, steps) for name in inputs]
            placed, named = _by_name(module, arguments)
            made = steps.create_node("call_module", node.name, placed, named, name="step")
            several = len(node.output) > 1 or node.op_type in ("Split", "TopK")
            for place, name in enumerate(node.output):
                values[name] = steps.call_function(getitem, (made, place)) if several else made
    steps.output(values[graph.output])
    network = fx.GraphModule(root, steps)
    ((_, image),) = graph.inputs.items()
    double = image.tensor_type.elem_type == TensorProto.DOUBLE
    network.to(torch.float64 if double else torch.float32)
    freeze(network)
    return network


def _reads(node: NodeProto, version: int) -> bool:
    """Tell whether an operator of a version can be turned into torch."""
    if node.op_type in OWN and (node.op_type != "Slice" or version >= _SLICE_BY_INPUTS):
        return True
    try:
        get_converter(domain="", operation_type=node.op_type, version=version)
    except NotImplementedError:
        return False
    return True


class _Held(OnnxGraph):
    """What onnx2torch's converters look up: constants, and how many axes values have."""

    def __init__(self, graph: Graph, types: Mapping[str, TypeProto]):
        told = [ValueInfoProto(name=name, type=found) for name, found in types.items() if found.ByteSize()]
        super().__init__(GraphProto(node=graph.nodes, value_info=told))
        self._constants = {name: _Constant(array) for name, array in graph.constants.items()}

    @property
    def initializers(self) -> Mapping[str, _Constant]:
        return self._constants


class _Constant:
    """One constant, copied only when it is asked for."""

    def __init__(self, array: np.ndarray):
        self._array = array
        self.shape = array.shape

    def to_torch(self) -> Tensor:
        return torch.from_numpy(np.array(self._array))


def _module(node: NodeProto, version: int, held: _Held) -> tuple[nn.Module, Sequence[str]]:
    """The module of an operator, and the values that its forward takes."""
    try:
        if node.op_type in OWN and (node.op_type != "Slice" or version >= _SLICE_BY_INPUTS):
            return OWN[node.op_type](
                {it.name: _plain(helper.get_attribute_value(it)) for it in node.attribute}
            ), node.input
        _refuse_other_kernel(node, held)
        convert = get_converter(domain="", operation_type=node.op_type, version=version)
        module, mapping = convert(held.nodes[node.name], held)
    except Exception as error:  # of the converter, for what it was not made for
        raise ModelError(
            f"model: {node.op_type} of its ONNX graph cannot be turned into torch ({tell(error)}). Give the network "
            "itself as file.py:factory or as an exported program .pt2"
        ) from error
    return module, mapping.inputs


def _refuse_other_kernel(node: NodeProto, held: _Held) -> None:
    """Refuse a kernel of other sizes than its weights: the converter would first make one of these sizes."""
    sizes = value_of(node, "kernel_shape")
    weights = held.initializers.get(node.input[1]) if node.op_type in ("Conv", "ConvTranspose") else None
    if sizes and weights is not None and weights.shape[2:] != tuple(sizes):
        raise ValueError(f"its kernel_shape is {tuple(sizes)}, and its weights have sizes {weights.shape}")


def _plain(value: Any) -> Any:
    """The value of an attribute as torch takes it."""
    if isinstance(value, bytes):
        return value.decode("ascii")
    return value if isinstance(value, (int, float, list)) else torch.from_numpy(np.array(numpy_helper.to_array(value)))


def _argument(
    name: str, values: Mapping[str, fx.Node], constants: Mapping[str, np.ndarray], root: nn.Module, steps: fx.Graph
) -> fx.Node | None:
    """The value as a step knows it, None for an input that is left out; constants become buffers when first used."""
    if not name or name in values:
        return values.get(name)
    buffers = root.get_submodule(CONSTANTS)
    if name not in dict(buffers.named_buffers(recurse=False)):
        buffers.register_buffer(name, _Constant(constants[name]).to_torch())
    return steps.get_attr(f"{CONSTANTS}.{name}")


def _by_name(
    module: nn.Module, arguments: list[fx.Node | None]
) -> tuple[tuple[fx.Node | None, ...], dict[str, Argument]]:
    """Arguments by their places as far as none is left out, the others by the names of the module's own forward."""
    if None not in arguments:
        return tuple(arguments), {}
    first = arguments.index(None)
    names = list(inspect.signature(module.forward).parameters)
    later = zip(names[first:], arguments[first:], strict=False)
    return tuple(arguments[:first]), {name: value for name, value in later if value is not None}
