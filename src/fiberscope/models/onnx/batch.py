"""The batch of an ONNX graph: its size, opened where it was fixed, and what a pass over one takes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from onnx import NodeProto, TypeProto

from fiberscope.models.onnx.attributes import value_of
from fiberscope.models.onnx.fold import Folded, fold
from fiberscope.models.onnx.graph import Graph
from fiberscope.models.onnx.limits import refuse_beyond
from fiberscope.models.onnx.types import count_bytes, count_numbers, sizes
from fiberscope.problem.errors import ModelError

_PASSES = 16  # times the limit that all values of a pass may take together, where a gradient needs them all
_SCREENED = ("Compress", "NonMaxSuppression", "NonZero", "Unique")  # as many as pass a test, at most the input's


def declared_batch(graph: Graph) -> int | None:
    """The number of images that a graph was exported for, None where it may vary."""
    first = next((sizes(found) for found in graph.inputs.values()), None)
    return first[0] if first else None


def image_shape(graph: Graph) -> tuple[int, ...] | None:
    """The shape of one image, None where a part of it may vary."""
    ((_, found),) = graph.inputs.items()
    _, *shape = sizes(found) or (None, None)
    known = tuple(size for size in shape if size is not None)
    return known if known and len(known) == len(shape) else None


def with_batch(graph: Graph, batch: int | None) -> Graph:
    """The graph with another first size of its images, one that may vary for None."""
    inputs = {}
    for name, found in graph.inputs.items():
        inputs[name] = fresh = TypeProto()
        fresh.CopyFrom(found)
        if sizes(fresh):
            dim = fresh.tensor_type.shape.dim[0]
            dim.Clear()
            if batch is None:
                dim.dim_param = "batch"
            else:
                dim.dim_value = batch
    return graph._replace(inputs=inputs)


def free_batch(graph: Graph, batch: int | None) -> Graph:
    """Let reshapes copy the size of the batch where they fixed it to the size that the graph was exported for."""
    if batch is None:
        return graph
    types = fold(with_batch(graph, batch)).types
    constants = dict(graph.constants)
    nodes: list[NodeProto] = []
    for node in graph.nodes:
        nodes.append(node)
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        shape = constants[node.input[1]].copy()
        first, last = (_first(types.get(name)) for name in (node.input[0], node.output[0]))
        if first == batch == last and shape.size and shape[0] == batch and 0 not in shape[1:]:
            shape[0] = 0  # copies the size of the input
            nodes[-1] = NodeProto(op_type="Reshape", name=node.name, input=node.input, output=node.output)
            nodes[-1].input[1] = f"{node.output[0]}_free_shape"
            constants[nodes[-1].input[1]] = shape
    return graph._replace(nodes=tuple(nodes), constants=constants)


def _first(found: TypeProto | None) -> int | None:
    return (sizes(found) or (None,))[0]


def refuse_large_passes(graph: Graph, batch: int) -> None:
    """Raise ModelError where a pass over a batch takes more memory than `LIMIT`, as far as the graph's sizes tell.

    What is in memory at a time is counted; all values of one pass together may be sixteen times as much.
    """
    folded = fold(with_batch(graph, batch))
    if image_shape(graph) is not None:
        _refuse_untold(folded)
    highest, total = _count_pass(folded)
    refuse_beyond(highest, f"a pass over a batch of {batch} through")
    refuse_beyond(total // _PASSES, f"a sixteenth of the gradient over a batch of {batch} through")


def _refuse_untold(folded: Folded) -> None:
    for node in folded.graph.nodes:
        found = [sizes(folded.types[name]) for name in node.output if name]
        if node.op_type not in _SCREENED and any(shape is None or None in shape for shape in found):
            raise ModelError(
                f"model: {node.op_type} of its ONNX graph makes as many numbers as computing them alone can tell; "
                "export it again without that step, or give the network itself as file.py:factory"
            )


def _count_pass(folded: Folded) -> tuple[int, int]:
    """The bytes of values and scratch that are in memory at a time, and those of all values."""
    types, nodes = folded.types, folded.graph.nodes
    last = {name: place for place, node in enumerate(nodes) for name in node.input} | {folded.graph.output: len(nodes)}
    held = {name: count_bytes(types[name]) for name in folded.graph.inputs}
    highest = total = now = sum(held.values())
    for place, node in enumerate(nodes):
        for name in filter(None, node.output):
            held[name] = count_bytes(types[name])
            now += held[name]
            total += held[name]
        highest = max(highest, now + _scratch(node, types))
        for name in {*node.input, *node.output}:
            if last.get(name, -1) <= place:
                now -= held.pop(name, 0)
    return highest, total


def _scratch(node: NodeProto, types: Mapping[str, TypeProto]) -> int:
    """Bytes that an operator takes beside its inputs and outputs: padded images, operands that are repeated."""
    first = types[node.input[0]] if node.input and node.input[0] else None
    shape = sizes(first) or ()
    pads = value_of(node, "pads", ())
    if pads and len(pads) == 2 * (len(shape) - 2):
        half = len(pads) // 2
        grown = [
            max(1, 1 if size is None else size + a + b)
            for size, a, b in zip(shape[2:], pads[:half], pads[half:], strict=True)
        ]
        return 8 * prod(grown) * prod(size or 1 for size in shape[:2])
    if node.op_type == "LRN":
        window = int(value_of(node, "size", 1))  # of channels, which are padded by it
        return 8 * count_numbers(first) * (1 + window // max(1, (shape[1:2] or (1,))[0] or 1))
    if node.op_type in ("MatMul", "Einsum"):
        return _repeated(node, types)
    return 0


def _repeated(node: NodeProto, types: Mapping[str, TypeProto]) -> int:
    """Bytes of the operands of a product once they are repeated along each other's axes."""
    shapes = [tuple(size or 1 for size in sizes(types[name]) or ()) for name in node.input]
    if node.op_type == "MatMul":
        try:
            batch = prod(np.broadcast_shapes(*(shape[:-2] for shape in shapes)))
        except ValueError:
            return 0
        return 8 * batch * sum(prod(shape[-2:]) for shape in shapes)
    if len(shapes) <= 2:
        return 0
    return 8 * prod(max(sizes_of) for sizes_of in _labels(node, shapes).values())


def _labels(node: NodeProto, shapes: list[tuple[int, ...]]) -> dict[str, list[int]]:
    """The sizes along each label of an Einsum's equation."""
    equation = value_of(node, "equation", b"").decode("ascii").replace(" ", "")
    found: dict[str, list[int]] = {}
    for term, shape in zip(equation.split("->")[0].split(","), shapes, strict=False):
        for place, size in enumerate(shape):
            found.setdefault(term[place] if len(term) == len(shape) else f"{term}{place}", []).append(size)
    return found
