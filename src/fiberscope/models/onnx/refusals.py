"""What an ONNX graph must not do: draw, train, round what it computes, or let sizes depend on what is in an image."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import NodeProto, TensorProto, TypeProto

from fiberscope.models.onnx.attributes import value_of
from fiberscope.models.onnx.graph import Graph
from fiberscope.models.onnx.types import FLOATS, is_float
from fiberscope.problem.errors import ModelError

_RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
_QUANTISED = ("QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")
_STEPS = ("Sign", "Round", "Floor", "Ceil")  # floats, but constant wherever they have a derivative
_SHAPES = ("Shape", "Size", "EyeLike")  # of an input's sizes alone
_SIZES = {
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "Pad": (1,),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "Tile": (1,),
}


def check_input(graph: Graph) -> str:
    """The name of the one input, of floats; raises ModelError where there is another."""
    if len(graph.inputs) != 1:
        names = ", ".join(graph.said[name].strip("'") for name in graph.inputs) or "none"
        raise ModelError(
            f"model: its ONNX graph has {len(graph.inputs)} inputs ({names}), wanted one, the images; export it again "
            "with the others fixed, from a module whose forward takes the images alone"
        )
    ((name, found),) = graph.inputs.items()
    said, kind = graph.said[name].strip("'"), found.tensor_type.elem_type
    if kind not in FLOATS:
        kinds = {value: key.lower() for key, value in TensorProto.DataType.items()}
        raise ModelError(
            f"model: its ONNX input {said} takes {kinds.get(kind, kind)}, and nothing can be differentiated through "
            "integers; export it again from where it has floats, behind the step that turns integers into them"
        )
    return name


def refuse_what_cannot_be_explored(graph: Graph, types: Mapping[str, TypeProto]) -> None:
    """Raise ModelError where a graph rounds, draws, trains, or is constant wherever it has a derivative."""
    rounding = sorted({node.op_type for node in graph.nodes} & set(_QUANTISED))
    if rounding:
        raise ModelError(
            f"model: its ONNX graph rounds what it computes to integers ({', '.join(rounding)}), so it has no "
            "gradient; take the model as it was before quantisation, or one with quantised weights alone"
        )
    chance = sorted({node.op_type for node in graph.nodes} & set(_RANDOM))
    if chance:
        raise ModelError(
            f"model: its ONNX graph draws random numbers ({', '.join(chance)}); export it again without that step"
        )
    for node in graph.nodes:
        if node.op_type == "BatchNormalization" and value_of(node, "training_mode", 0):
            raise ModelError(
                f"model: {node.name or 'a BatchNormalization'} of its ONNX graph is in training mode, so images of a "
                "batch influence each other; call model.eval() and export it again"
            )
    _refuse_steps(graph, types)


def _refuse_steps(graph: Graph, types: Mapping[str, TypeProto]) -> None:
    """Follow values that depend on what is in an image, and those among them that have a derivative."""
    depends, smooth = set(graph.inputs), set(graph.inputs)
    steps: set[str] = set()
    for node in graph.nodes:
        inputs = [name for name in node.input if name in depends]
        if not inputs or node.op_type in _SHAPES:
            continue
        _refuse_sizes(node, depends)
        depends |= set(filter(None, node.output))
        through = any(name in smooth for name in inputs)
        outputs = {name for name in node.output if name and is_float(types.get(name)) and node.op_type not in _STEPS}
        if through and outputs:
            smooth |= outputs
        elif through:
            steps.add(node.op_type)
    if graph.output not in depends:
        raise ModelError(
            "model: the output of its ONNX graph is the same for every image; name another one: net.onnx:NAME, or "
            "export it again"
        )
    if graph.output not in smooth:
        raise ModelError(
            f"model: its ONNX graph rounds what it computes ({', '.join(sorted(steps))}), so its derivative is zero "
            "wherever it has one, and no fiber can be followed. Take an output before that step: net.onnx:NAME, or "
            "export it again without it"
        )


def _refuse_sizes(node: NodeProto, depends: set[str]) -> None:
    places = _SIZES.get(node.op_type, ())
    if any(place < len(node.input) and node.input[place] in depends for place in places):
        raise ModelError(
            f"model: {node.op_type} of its ONNX graph makes as many numbers as what is in an image says, and latents "
            "are as many for every image; export it again without that step"
        )
