"""Under which version of ONNX's operators each operator is read, so that the converter knows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from onnx import NodeProto, defs, helper

from fiberscope.models.onnx.graph import Graph
from fiberscope.problem.errors import ModelError

_VERSIONS = range(7, defs.onnx_opset_version() + 1)
_ADVISED = 13  # what exporters can still write, and the converter reads best
_AXIS_CHANGED = ("Softmax", "LogSoftmax", "Hardmax")  # one signature before and from version 13, two meanings

Reads = Callable[[NodeProto, int], bool]


def say_in_older_words(graph: Graph) -> Graph:
    """The graph in the words of older versions, which the converter knows, where they say it too."""
    return graph._replace(nodes=tuple(_in_older_words(node, graph) for node in graph.nodes))


def _in_older_words(node: NodeProto, graph: Graph) -> NodeProto:
    fresh = NodeProto()
    fresh.CopyFrom(node)
    axes = node.input[1] if len(node.input) == 2 else ""
    if node.op_type.startswith("Reduce") and node.op_type != "ReduceSum" and axes in graph.constants:
        del fresh.input[1:]
        fresh.attribute.append(helper.make_attribute("axes", graph.constants[axes].tolist()))
    off = ("allowzero", "noop_with_empty_axes") if not _has_zero(node, graph) else ("noop_with_empty_axes",)
    kept = [it for it in fresh.attribute if it.name not in off or (it.i and it.name == off[-1])]
    del fresh.attribute[:]
    fresh.attribute.extend(kept)
    return fresh


def _has_zero(node: NodeProto, graph: Graph) -> bool:
    shape = graph.constants.get(node.input[1]) if node.op_type == "Reshape" else None
    return shape is None or 0 in shape


def choose_versions(graph: Graph, reads: Reads) -> list[int]:
    """For each operator the nearest version in which the converter reads it and it means the same.

    Raises ModelError that names the operators that have none.
    """
    found = [_nearest(node, graph.version, reads) for node in graph.nodes]
    others = [node for node, version in zip(graph.nodes, found, strict=True) if version is None]
    if others:
        told = ", ".join(sorted({node.op_type for node in others}))
        raise ModelError(
            f"model: its ONNX graph has operators that cannot be turned into torch: {told} (version {graph.version}). "
            f"{_advice(others, graph.version, reads)} the network itself as file.py:factory or "
            "as an exported program .pt2"
        )
    return [version for version in found if version is not None]


def _nearest(node: NodeProto, declared: int, reads: Reads) -> int | None:
    versions = sorted({declared, *_VERSIONS}, key=lambda version: abs(version - declared))
    return next((it for it in versions if reads(node, it) and _means_the_same(node, declared, it)), None)


def _advice(others: Sequence[NodeProto], declared: int, reads: Reads) -> str:
    """What to do about operators that are not read; another version only where that would help."""
    helps = declared != _ADVISED and all(not _is_defined(it, _ADVISED) or reads(it, _ADVISED) for it in others)
    return (
        f"Export it again with opset_version={_ADVISED}, or without them, or give"
        if helps
        else ("Export it again without them, or give")
    )


def _is_defined(node: NodeProto, version: int) -> bool:
    try:
        return not defs.get_schema(node.op_type, version, "").deprecated
    except defs.SchemaError:
        return False


def _means_the_same(node: NodeProto, declared: int, version: int) -> bool:
    """Whether the operator takes and means the same in another version, as far as their schemas tell."""
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
