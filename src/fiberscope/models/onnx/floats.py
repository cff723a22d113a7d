"""One precision of floats for a whole ONNX graph: images, weights and what is computed have one dtype throughout."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import AttributeProto, NodeProto, TensorProto, TypeProto, helper, numpy_helper

from fiberscope.models.onnx.graph import Graph
from fiberscope.models.onnx.limits import refuse_beyond
from fiberscope.models.onnx.types import FLOATS

_DTYPES = ("to", "dtype", "output_dtype")  # attributes that name a type


def half_as_single(graph: Graph) -> Graph:
    """The graph with float32 in the place of half precision, which it holds exactly."""
    return _recast(graph, dict.fromkeys((TensorProto.FLOAT16, TensorProto.BFLOAT16), TensorProto.FLOAT))


def in_one_precision(graph: Graph) -> Graph:
    """The graph in float32, or in float64 where its images are, or a weight that float32 does not hold exactly."""
    doubles = [array for array in graph.constants.values() if array.dtype == np.float64]
    images = any(found.tensor_type.elem_type == TensorProto.DOUBLE for found in graph.inputs.values())
    double = images or any(not np.array_equal(it, it.astype(np.float32), equal_nan=True) for it in doubles)
    return _recast(graph, dict.fromkeys(FLOATS, TensorProto.DOUBLE if double else TensorProto.FLOAT))


def _recast(graph: Graph, to: Mapping[int, int]) -> Graph:
    """The graph with other types in the place of some."""
    dtypes = {
        name: helper.tensor_dtype_to_np_dtype(to[kind])
        for name, array in graph.constants.items()
        if (kind := helper.np_dtype_to_tensor_dtype(array.dtype)) in to and to[kind] != kind
    }
    scales = {node.input[2] for node in graph.nodes if node.op_type == "Resize" and len(node.input) > 2}
    needed = sum(graph.constants[name].size * dtype.itemsize for name, dtype in dtypes.items())
    refuse_beyond(needed, "reading the weights of")
    constants = {
        name: array.astype(dtypes[name]) if name in dtypes and name not in scales else array
        for name, array in graph.constants.items()
    }
    return graph._replace(
        nodes=tuple(_recast_node(node, to) for node in graph.nodes),
        constants=constants,
        inputs={name: _recast_type(found, to) for name, found in graph.inputs.items()},
    )


def _recast_node(node: NodeProto, to: Mapping[int, int]) -> NodeProto:
    fresh = NodeProto()
    fresh.CopyFrom(node)
    for attribute in fresh.attribute:
        if attribute.name in _DTYPES and attribute.type == AttributeProto.INT and attribute.i in to:
            attribute.i = to[attribute.i]
        if attribute.type == AttributeProto.TENSOR and attribute.t.data_type in to:
            array = numpy_helper.to_array(attribute.t)
            dtype = helper.tensor_dtype_to_np_dtype(to[attribute.t.data_type])
            attribute.t.CopyFrom(numpy_helper.from_array(array.astype(dtype)))
    return fresh


def _recast_type(found: TypeProto, to: Mapping[int, int]) -> TypeProto:
    fresh = TypeProto()
    fresh.CopyFrom(found)
    kind = found.tensor_type.elem_type
    fresh.tensor_type.elem_type = to.get(kind, kind)
    return fresh
