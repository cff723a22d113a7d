"""The graph of an ONNX model, made anew from what is allowed: nothing else of a file goes further.

Values get names of their own (v0, v1, ...), layers plain identifiers, operators those of their definitions. Metadata,
documentation, functions, types of inner values and all that the chosen output does not need stay behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from onnx import ModelProto, NodeProto, TypeProto, ValueInfoProto, defs

from fiberscope.models.onnx.attributes import checked
from fiberscope.models.onnx.limits import quote
from fiberscope.models.onnx.names import layer_names
from fiberscope.models.onnx.order import in_order
from fiberscope.models.onnx.tensors import arrays_of
from fiberscope.problem.errors import ModelError

_VERSIONS = range(1, defs.onnx_opset_version() + 1)
_OWN = ("", "ai.onnx")  # two names of the domain of ONNX's own operators


class Graph(NamedTuple):
    """Operators in the order in which they run, constants by name, and the names of its inputs and its output.

    ``inputs`` has the type of each input, ``said`` what the file calls values, for messages alone.
    """

    nodes: tuple[NodeProto, ...]
    constants: Mapping[str, np.ndarray]
    inputs: Mapping[str, TypeProto]
    output: str
    version: int
    said: Mapping[str, str]


def make_graph(model: ModelProto, output: str | None, folder: Path | None) -> Graph:
    """The part of a model that makes one output, the first unless named by the file's own name.

    Raises ModelError that says what stands against it.
    """
    version = _version(model)
    wanted = _output(model, output)
    nodes = in_order(model.graph, wanted)
    _refuse_functions(model, nodes)
    used = dict.fromkeys([*(name for node in nodes for name in node.input if name), wanted])
    tensors = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name in used}
    inputs = [value for value in model.graph.input if value.name in used and value.name not in tensors]
    made = [name for node in nodes for name in node.output if name]
    fresh = {name: f"v{place}" for place, name in enumerate(dict.fromkeys([*used, *made]))}
    arrays = arrays_of(tensors, folder)
    made_anew = [_made_anew(node, version, fresh) for node in nodes]
    for node, name in zip(made_anew, layer_names(nodes), strict=True):
        node.name = name
    return Graph(
        nodes=tuple(made_anew),
        constants={fresh[name]: array for name, array in arrays.items()},
        inputs={fresh[value.name]: _type(value) for value in inputs},
        output=fresh[wanted],
        version=version,
        said={own: quote(name) for name, own in fresh.items()},
    )


def _version(model: ModelProto) -> int:
    found = {entry.version for entry in model.opset_import if entry.domain in _OWN}
    if len(found) != 1 or not found <= set(_VERSIONS):
        said = ", ".join(str(each) for each in sorted(found)) or "none"
        raise ModelError(
            f"model: version of the operators in its ONNX file: found {said}, wanted one of {_VERSIONS[0]} to "
            f"{_VERSIONS[-1]}, which the installed onnx knows; copy it again, or install a newer onnx"
        )
    return int(found.pop())


def _output(model: ModelProto, output: str | None) -> str:
    names = [value.name for value in model.graph.output]
    if output is not None and output not in names:
        shown = ", ".join(name if name.isprintable() and len(name) < 80 else quote(name) for name in names)
        raise ModelError(f"model: its ONNX graph has no output {output!r}; it has {shown or 'none'}: name one of them")
    if not names:
        raise ModelError("model: its ONNX graph has no output; it is damaged: copy or export it again")
    return names[0] if output is None else output


def _refuse_functions(model: ModelProto, nodes: list[NodeProto]) -> None:
    functions = {(function.domain, function.name) for function in model.functions}
    used = sorted({node.op_type for node in nodes if (node.domain, node.op_type) in functions})
    if used:
        raise ModelError(
            f"model: its ONNX graph calls functions of the file's own ({', '.join(map(quote, used[:5]))}); put them in "
            "place first: onnx.save(onnx.inliner.inline_local_functions(onnx.load(path)), other)"
        )
    sparse = {tensor.values.name for tensor in model.graph.sparse_initializer}
    if sparse & {name for node in nodes for name in node.input}:
        raise ModelError("model: its ONNX file has sparse weights, wanted dense ones; export it again with these")


def _made_anew(node: NodeProto, version: int, fresh: Mapping[str, str]) -> NodeProto:
    """The operator in the words of its definition, without a name."""
    schema = _schema(node, version)
    inputs, outputs = list(node.input), list(node.output)
    if schema.name == "Dropout":  # nothing is dropped here
        schema, inputs, outputs = defs.get_schema("Identity", version, ""), inputs[:1], outputs[:1]
        attributes = []
    else:
        attributes = checked(node, schema)
    if not schema.min_input <= len(inputs) <= schema.max_input or not 1 <= len(outputs) <= schema.max_output:
        raise ModelError(
            f"model: {schema.name} of its ONNX graph has {len(inputs)} inputs and {len(outputs)} outputs, wanted "
            f"{schema.min_input} to {schema.max_input} and up to {schema.max_output}; it is damaged: copy or export it "
            "again"
        )
    return NodeProto(
        op_type=schema.name,
        input=[fresh[name] if name else "" for name in inputs],
        output=[fresh[name] if name else "" for name in outputs],
        attribute=attributes,
    )


def _schema(node: NodeProto, version: int) -> defs.OpSchema:
    try:
        if node.domain not in _OWN:
            raise defs.SchemaError
        return defs.get_schema(node.op_type, version, "")
    except defs.SchemaError:
        name = quote(f"{node.domain}.{node.op_type}".strip("."))
        raise ModelError(
            f"model: its ONNX graph has an operator {name} that version {version} of ONNX does not define, so it "
            "cannot be turned into torch. Export it again without it, or give the network itself as file.py:factory or "
            "as an exported program .pt2"
        ) from None


def _type(value: ValueInfoProto) -> TypeProto:
    """The type of an input, without its names: sizes that may vary have none."""
    found, fresh = value.type, TypeProto()
    if not found.HasField("tensor_type") or not found.tensor_type.elem_type:
        raise ModelError(f"model: its ONNX input {quote(value.name)} takes no numbers, wanted floats; export it again")
    fresh.tensor_type.elem_type = found.tensor_type.elem_type
    if found.tensor_type.HasField("shape"):
        fresh.tensor_type.shape.SetInParent()
        for place, dim in enumerate(found.tensor_type.shape.dim):
            size = fresh.tensor_type.shape.dim.add()
            if dim.dim_value > 0:
                size.dim_value = dim.dim_value
            else:
                size.dim_param = f"size_{place}"
    return fresh
