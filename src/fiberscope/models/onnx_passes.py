"""Making an ONNX graph one that can be turned into torch: constants folded, one input, one output."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from fiberscope.models.onnx_versions import Reads, choose_version, replace, say_in_older_words
from fiberscope.problem.errors import ModelError

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
_RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
_NEWER = 21
_ROUNDING = ("QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")


class Graph(NamedTuple):
    """A graph ready to be turned into torch, and the sizes of its input; None stands for one that may vary."""

    model: ModelProto
    input_dims: tuple[int | None, ...]


def read(source: Path | bytes) -> ModelProto:
    """The model in a file or in bytes; raises ModelError where there is none."""
    name = "the model" if isinstance(source, bytes) else str(source)
    try:
        model = onnx.load_from_string(source) if isinstance(source, bytes) else onnx.load(source)
    except FileNotFoundError as error:
        raise ModelError(f"model {name} lacks a file ({error}); copy the files of its weights beside it") from error
    except Exception as error:  # of protobuf, of onnx.checker, or of the operating system
        raise ModelError(f"model {name} is truncated or no ONNX file ({_first_line(error)}); copy it again") from error
    if not model.graph.node:
        raise ModelError(f"model {name} is truncated or no ONNX file (it holds no operator); copy it again")
    return model


def prepare(model: ModelProto, *, output: str | None, free_batch: bool, reads: Reads) -> Graph:
    """A graph from one float input to one output whose operators the converter reads, as `reads` says of each.

    With `free_batch` a batch size that was fixed when the model was exported is opened where that can be done.
    Raises ModelError that says what stands against it.
    """
    found = ModelProto()
    found.CopyFrom(model)
    _keep_output(found, output)
    _single_precision(found)
    _fold_constants(found)
    _drop_unneeded(found)
    dims = _check_input(found)
    _refuse_what_cannot_be_explored(found)
    say_in_older_words(found)
    if free_batch:
        _free_batch(found)
    choose_version(found, reads)
    return Graph(found, dims)


def _keep_output(model: ModelProto, output: str | None) -> None:
    """Keep one output, the first unless named."""
    outputs = list(model.graph.output)
    names = [value.name for value in outputs]
    if output is not None and output not in names:
        raise ModelError(f"model: its ONNX graph has no output {output!r}; it has {', '.join(names)}: name one of them")
    kept = next(value for value in outputs if output in (None, value.name))
    if any(len(node.output) > 1 and kept.name in node.output for node in model.graph.node):
        # the converter would return all outputs of the operator
        alone = onnx.ValueInfoProto()
        alone.CopyFrom(kept)
        alone.name = f"{kept.name}.alone"
        model.graph.node.append(helper.make_node("Identity", [kept.name], [alone.name]))
        kept = alone
    replace(model.graph.output, [kept])


def _single_precision(model: ModelProto) -> None:
    """Half and double precision as float32: exact for half, and images and weights have one dtype throughout."""
    others = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
    for tensor in model.graph.initializer:
        if tensor.data_type in others:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in others:
                attribute.i = TensorProto.FLOAT
            if attribute.HasField("t") and attribute.t.data_type in others:
                attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float32)))
    for value in [*model.graph.input, *model.graph.output]:
        if value.type.tensor_type.elem_type in others:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    del model.graph.value_info[:]  # they may tell of the old types and sizes


def _fold_constants(model: ModelProto) -> None:
    """Compute once what depends on no image: int8 weights become floats, shapes become numbers."""
    graph = model.graph
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    needed = [*graph.input, *graph.output]
    kept: list[NodeProto] = []
    fresh: set[str] = set()
    for node in graph.node:
        inputs = [name for name in node.input if name]
        inner = any(attribute.HasField("g") for attribute in node.attribute)
        if inner or node.op_type in _RANDOM or not all(name in known for name in inputs):
            kept.append(node)
            continue
        known |= dict(zip(node.output, _evaluate(model, node, known), strict=False))
        fresh |= set(node.output)
    used = {name for node in kept for name in node.input} | {value.name for value in needed}
    graph.initializer.extend(numpy_helper.from_array(np.asarray(known[name]), name) for name in sorted(fresh & used))
    replace(graph.node, kept)


def _evaluate(model: ModelProto, node: NodeProto, known: dict[str, np.ndarray]) -> list[np.ndarray]:
    names = [name for name in node.input if name]
    inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(known[n].dtype), None) for n in names]
    outputs = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in node.output if name]
    graph = helper.make_graph([node], "constant", inputs, outputs)
    values = {name: known[name] for name in names}
    try:
        alone = helper.make_model(graph, opset_imports=list(model.opset_import))
        return list(ReferenceEvaluator(alone).run(None, values))
    except RuntimeError:  # onnx evaluates some operators, DequantizeLinear for one, in newer versions alone
        newer = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _NEWER)])
        return list(ReferenceEvaluator(newer).run(None, values))


def _drop_unneeded(model: ModelProto) -> None:
    """Drop what only training or another output needs, and constants that are listed among the inputs."""
    graph = model.graph
    needed = {value.name for value in graph.output}
    kept: list[NodeProto] = []
    for node in reversed(graph.node):
        if not needed & set(node.output):
            continue
        if node.op_type == "Dropout":
            node.CopyFrom(helper.make_node("Identity", node.input[:1], node.output[:1], name=node.name))
        if node.op_type == "BatchNormalization":
            del node.output[1:]
        needed |= {name for name in node.input if name}
        kept.append(node)
    replace(graph.node, reversed(kept))
    replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in needed])
    constants = {tensor.name for tensor in graph.initializer}
    replace(graph.input, [it for it in graph.input if it.name in needed and it.name not in constants])


def _check_input(model: ModelProto) -> tuple[int | None, ...]:
    inputs = list(model.graph.input)
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise ModelError(
            f"model: its ONNX graph has {len(inputs)} inputs ({names}), wanted one, the images; export it again with "
            "the others fixed, from a module whose forward takes the images alone"
        )
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type not in _FLOATS:
        kind = TensorProto.DataType.Name(tensor.elem_type).lower()
        raise ModelError(
            f"model: its ONNX input {inputs[0].name} takes {kind}, and nothing can be differentiated through integers; "
            "export it again from where it has floats, behind the step that turns integers into them"
        )
    return tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in tensor.shape.dim)


def _refuse_what_cannot_be_explored(model: ModelProto) -> None:
    rounding = sorted({node.op_type for node in model.graph.node} & set(_ROUNDING))
    if rounding:
        raise ModelError(
            f"model: its ONNX graph rounds what it computes to integers ({', '.join(rounding)}), so it has no "
            "gradient; take the model as it was before quantisation, or one with quantised weights alone"
        )
    chance = sorted({node.op_type for node in model.graph.node} & set(_RANDOM))
    if chance:
        raise ModelError(
            f"model: its ONNX graph draws random numbers ({', '.join(chance)}); export it again without that step"
        )
    for node in model.graph.node:
        if node.op_type == "BatchNormalization" and any(a.name == "training_mode" and a.i for a in node.attribute):
            raise ModelError(
                f"model: {node.name or 'a BatchNormalization'} of its ONNX graph is in training mode, so images of a "
                "batch influence each other; call model.eval() and export it again"
            )


def _free_batch(model: ModelProto) -> None:
    """Let reshapes copy the size of the batch where they fixed it, and forget it everywhere else."""
    graph = model.graph
    dims = graph.input[0].type.tensor_type.shape.dim
    if not dims:
        return
    constants = {tensor.name: tensor for tensor in graph.initializer}
    inferred = shape_inference.infer_shapes(model).graph
    first = {it.name: _first_dim(it) for it in [*inferred.value_info, *inferred.input, *inferred.output]}
    batch = first.get(graph.input[0].name)
    for node in graph.node if batch else []:
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        shape = numpy_helper.to_array(constants[node.input[1]]).copy()
        if first.get(node.input[0]) == batch == first.get(node.output[0]) and shape.size and shape[0] == batch:
            shape[0] = 0  # copies the size of the input
            name = f"{node.output[0]}.free_shape"
            graph.initializer.append(numpy_helper.from_array(shape, name))
            node.input[1] = name
    dims[0].dim_param = "batch"
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")


def _first_dim(value: onnx.ValueInfoProto) -> int | None:
    dims = value.type.tensor_type.shape.dim
    return dims[0].dim_value or None if dims else None


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"
