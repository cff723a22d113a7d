"""Computing once what depends on no image: int8 weights become floats, arithmetic on shapes becomes numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from onnx import NodeProto, TensorProto, TypeProto, helper
from onnx.reference import ReferenceEvaluator

from fiberscope.models.onnx.attributes import value_of
from fiberscope.models.onnx.graph import Graph
from fiberscope.models.onnx.limits import refuse_beyond, tell
from fiberscope.models.onnx.tensors import array_of
from fiberscope.models.onnx.types import count_bytes, count_numbers, infer, sizes, type_of
from fiberscope.problem.errors import ModelError

_NEWER = 21
# fmt: off
_FAST = frozenset({
    "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BitShift", "BitwiseAnd", "BitwiseNot",
    "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil", "Clip", "Concat", "ConstantOfShape", "Cos", "Cosh",
    "DepthToSpace", "DequantizeLinear", "Div", "Elu", "Equal", "Exp", "Expand", "EyeLike", "Flatten", "Floor",
    "Gather", "Greater", "GreaterOrEqual", "HardSigmoid", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Less",
    "LessOrEqual", "Log", "LogSoftmax", "Max", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "OneHot", "Or", "Pad",
    "Pow", "QuantizeLinear", "Range", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape",
    "Round", "Sigmoid", "Sign", "Sin", "Sinh", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Split",
    "Sqrt", "Squeeze", "Sub", "Sum", "Tan", "Tanh", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
})
_SLOW = frozenset({
    "Compress", "CumSum", "Erf", "GatherElements", "GatherND", "Gemm", "MatMul", "NonZero", "ScatterElements",
    "ScatterND", "TopK", "Unique",
})
# fmt: on
_FEW = 2**22  # numbers, or products of a matrix, that a slow operator is computed for here and not in torch


class Folded(NamedTuple):
    """A graph whose operators depend on images, and the types of its values."""

    graph: Graph
    types: Mapping[str, TypeProto]


def fold(graph: Graph) -> Folded:
    """Put numbers in the place of operators whose inputs are numbers.

    Sizes are known before anything is computed. Raises ModelError where all that is computed takes more than `LIMIT`
    bytes, or an operator does not fit its inputs. Where sizes of images are known, their shapes are numbers too.
    """
    known = dict(graph.constants)
    types = {name: type_of(array) for name, array in known.items()} | dict(graph.inputs)
    kept: list[NodeProto] = []
    spent = 0
    for node in graph.nodes:
        types |= infer(node, graph.version, types, known)
        if not _is_constant(node, types, known):
            kept.append(node)
            continue
        spent += sum(count_bytes(types[name]) for name in node.output if name)
        refuse_beyond(spent, "computing the constants of")
        arrays = _evaluate(node, graph.version, types, known)
        spent += sum(array.nbytes for name, array in arrays.items() if _is_screened(types[name]))
        known |= arrays
        types |= {name: type_of(array) for name, array in arrays.items()}
    used = {name for node in kept for name in node.input} | {graph.output}
    constants = {name: array for name, array in known.items() if name in used}
    inputs = {name: found for name, found in graph.inputs.items() if name in used}
    return Folded(graph._replace(nodes=tuple(kept), constants=constants, inputs=inputs), types)


def _is_constant(node: NodeProto, types: Mapping[str, TypeProto], known: Mapping[str, np.ndarray]) -> bool:
    if node.op_type in ("Shape", "Size") and None not in (sizes(types[node.input[0]]) or (None,)):
        return True
    inputs = [name for name in node.input if name]
    if node.op_type not in _FAST | _SLOW | {"Constant"} or not all(name in known for name in inputs):
        return False
    numbers = sum(count_numbers(types.get(name)) for name in [*inputs, *node.output] if name)
    if node.op_type in ("Gemm", "MatMul"):
        numbers *= max(known[inputs[0]].shape, default=1)
    return node.op_type not in _SLOW or numbers <= _FEW


def _is_screened(found: TypeProto) -> bool:
    """Tell whether how many numbers there are was not known before."""
    return None in (sizes(found) or (None,))


def _evaluate(
    node: NodeProto, version: int, types: Mapping[str, TypeProto], known: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    names = [name for name in node.output if name]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if node.op_type == "Constant":
                found = [_constant(node)]
            elif node.op_type in ("Shape", "Size"):
                found = [_shape(node, types)]
            else:
                found = _run(node, version, known)
            return {name: np.asarray(array) for name, array in zip(names, found, strict=True)}
    except ModelError:
        raise
    except Exception as error:  # of numpy, whatever an operator stumbles over
        raise ModelError(
            f"model: {node.op_type} of its ONNX graph cannot be computed from its constants ({tell(error)}); the file "
            "is damaged: copy or export it again"
        ) from error


def _constant(node: NodeProto) -> np.ndarray:
    for attribute in node.attribute:
        match attribute.name:
            case "value":
                return array_of(attribute.t)
            case "value_float" | "value_floats":
                return np.array(helper.get_attribute_value(attribute), dtype=np.float32)
            case "value_int" | "value_ints":
                return np.array(helper.get_attribute_value(attribute), dtype=np.int64)
    raise ModelError("model: a Constant of its ONNX graph has no numbers; it is damaged: copy or export it again")


def _shape(node: NodeProto, types: Mapping[str, TypeProto]) -> np.ndarray:
    shape = [size or 0 for size in sizes(types[node.input[0]]) or ()]
    if node.op_type == "Size":
        return np.array(math.prod(shape), dtype=np.int64)
    return np.array(shape[value_of(node, "start", 0) : value_of(node, "end", None)], dtype=np.int64)


def _run(node: NodeProto, version: int, known: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    names = list(dict.fromkeys(name for name in node.input if name))
    inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(known[n].dtype), None) for n in names]
    outputs = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in node.output if name]
    graph = helper.make_graph([node], "constant", inputs, outputs)
    values = {name: known[name] for name in names}
    try:
        alone = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])
        return list(ReferenceEvaluator(alone).run(None, values))
    except RuntimeError:  # onnx evaluates some operators, DequantizeLinear for one, in newer versions alone
        newer = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _NEWER)])
        return list(ReferenceEvaluator(newer).run(None, values))
