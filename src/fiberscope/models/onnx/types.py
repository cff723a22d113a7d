"""Types and sizes of an ONNX graph's values, told by the operators' definitions before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from onnx import NodeProto, TensorProto, TypeProto, defs, helper, numpy_helper, shape_inference

from fiberscope.models.onnx.limits import tell
from fiberscope.models.onnx.tensors import NUMBERS
from fiberscope.problem.errors import ModelError

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
_SMALL = 4096  # numbers of a constant that can be sizes of another tensor


def infer(
    node: NodeProto, version: int, types: Mapping[str, TypeProto], known: Mapping[str, np.ndarray]
) -> dict[str, TypeProto]:
    """The types of what an operator makes; raises ModelError where it does not fit what it is given."""
    names = [name for name in node.input if name]
    data = {name: numpy_helper.from_array(known[name], name) for name in names if _can_be_sizes(known.get(name))}
    try:
        found = dict(
            shape_inference.infer_node_outputs(
                defs.get_schema(node.op_type, version, ""),
                node,
                {name: types[name] for name in names},
                data,
                opset_imports=[helper.make_opsetid("", version)],
            )
        )
    except Exception as error:  # of onnx, with a reason for people
        raise ModelError(
            f"model: {node.op_type} of its ONNX graph does not fit what it is given ({tell(error)}); the file is "
            "damaged: copy or export it again"
        ) from error
    for name in filter(None, node.output):
        kind = found[name].tensor_type.elem_type if name in found else TensorProto.UNDEFINED
        if kind not in NUMBERS:
            told = {value: key.lower() for key, value in TensorProto.DataType.items()}.get(kind, "no numbers")
            raise ModelError(
                f"model: {node.op_type} of its ONNX graph makes {told}, wanted floats of 16 bits or more, integers or "
                "truth values; export it again without it, or give the network itself as file.py:factory"
            )
    return found


def _can_be_sizes(array: np.ndarray | None) -> bool:
    return array is not None and array.size <= _SMALL


def type_of(array: np.ndarray) -> TypeProto:
    """The type of a constant."""
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def sizes(found: TypeProto | None) -> tuple[int | None, ...] | None:
    """The sizes of a value, None for each that is not known, and for all where their number is not."""
    if found is None or not found.tensor_type.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in found.tensor_type.shape.dim)


def count_numbers(found: TypeProto | None) -> int:
    """The numbers of a value, at least: sizes that are not known count as one."""
    return math.prod(1 if size is None else max(size, 0) for size in sizes(found) or ())


def count_bytes(found: TypeProto | None) -> int:
    """The bytes of a value, at least."""
    if found is None:
        return 0
    kind = found.tensor_type.elem_type
    try:
        width = helper.tensor_dtype_to_np_dtype(kind).itemsize
    except (KeyError, ValueError, TypeError):
        width = 8
    return width * count_numbers(found)


def is_float(found: TypeProto | None) -> bool:
    """Tell whether a value is of floats; True where its type is not known."""
    return found is None or found.tensor_type.elem_type in (*FLOATS, TensorProto.UNDEFINED)
