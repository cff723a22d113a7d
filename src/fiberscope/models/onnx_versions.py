"""Under which version of ONNX's operators a graph is declared, so that the converter reads all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from onnx import ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper

from fiberscope.problem.errors import ModelError

_VERSIONS = range(7, defs.onnx_opset_version() + 1)
_AXIS_CHANGED = ("Softmax", "LogSoftmax", "Hardmax")  # one signature before and from version 13, two meanings

Reads = Callable[[NodeProto, int], bool]


def say_in_older_words(model: ModelProto) -> None:
    """Say in the words of older versions, which the converter knows, what they can say too."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        axes = node.input[1] if len(node.input) == 2 else ""
        if node.op_type.startswith("Reduce") and node.op_type != "ReduceSum" and axes in constants:
            del node.input[1:]
            node.attribute.append(helper.make_attribute("axes", numpy_helper.to_array(constants[axes]).tolist()))
        off = ("allowzero", "noop_with_empty_axes") if not _has_zero(node, constants) else ("noop_with_empty_axes",)
        replace(node.attribute, [it for it in node.attribute if it.name not in off or (it.i and it.name == off[-1])])


def _has_zero(node: NodeProto, constants: dict[str, TensorProto]) -> bool:
    shape = constants.get(node.input[1]) if node.op_type == "Reshape" else None
    return shape is None or 0 in numpy_helper.to_array(shape)


def choose_version(model: ModelProto, reads: Reads) -> None:
    """Declare the nearest version under which the converter reads every operator and none means anything else."""
    own = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    declared = own[0].version if own else _VERSIONS[-1]
    nodes = list(model.graph.node)
    fitting = {v: [node for node in nodes if reads(node, v) and _means_the_same(node, declared, v)] for v in _VERSIONS}
    best = max(_VERSIONS, key=lambda version: (len(fitting[version]), -abs(version - declared)))
    if len(fitting[best]) < len(nodes):
        others = sorted({node.op_type for node in nodes if not any(node is it for it in fitting[best])})
        raise ModelError(
            f"model: its ONNX graph has operators that cannot be turned into torch: {', '.join(others)} (version "
            f"{declared}). Export it again with opset_version=13, or without them, or give the network itself as "
            "file.py:factory or as an exported program .pt2"
        )
    for entry in own:
        entry.version = best


def _means_the_same(node: NodeProto, declared: int, version: int) -> bool:
    """Whether the operator takes and means the same in another version, as far as their schemas tell."""
    if node.domain not in ("", "ai.onnx"):
        return True
    try:
        then, now = (defs.get_schema(node.op_type, each, "") for each in (declared, version))
    except defs.SchemaError:
        return False
    if then.since_version == now.since_version:
        return True
    if node.op_type in _AXIS_CHANGED and (then.since_version < 13) != (now.since_version < 13):
        return False
    given = {attribute.name for attribute in node.attribute}
    required = {name for name, attribute in now.attributes.items() if attribute.required}
    counts = now.min_input <= len(node.input) <= now.max_input and len(node.output) <= now.max_output
    defaults = all(
        now.attributes[name].default_value == attribute.default_value
        for name, attribute in then.attributes.items()
        if name in now.attributes and name not in given
    )
    return counts and defaults and required <= given <= set(now.attributes)


def replace(field: Any, values: Iterable[object]) -> None:
    """Put other values into a repeated field."""
    kept = list(values)
    del field[:]
    field.extend(kept)
