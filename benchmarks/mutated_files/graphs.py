"""Mutations in the grammar of ONNX graphs: hostile strings and sizes in any field, operators that ask for terabytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
from benchmarks.mutated_files import payloads
from benchmarks.mutated_files.mutations import ANY, Mutation, extreme
from google.protobuf.descriptor import FieldDescriptor
from onnx import TensorProto, helper, numpy_helper

_OPERATORS = sorted({schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain})
_TEXT, _BYTES = FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES
_FLOATS = (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE)


def onnx_mutations(outside: Path) -> tuple[Mutation, ...]:
    """Mutations of a file that holds a graph; its hostile strings lead into the folder ``outside``."""

    def change_fields(content: bytes, random: Random) -> bytes:
        model = onnx.load_from_string(content)
        for _ in range(random.choice((1, 1, 2))):
            _change(*random.choice(list(_fields(model))), random, outside)
        return model.SerializeToString()

    def rename_throughout(content: bytes, random: Random) -> bytes:
        """A name replaced wherever it stands, so that the graph stays whole."""
        model = onnx.load_from_string(content)
        names = sorted({value for _, _, value in _strings(model)})
        old, new = random.choice(names), payloads.text(random, outside)
        for message, field, value in list(_strings(model)):
            if value == old:
                _put(message, field, new)
        return model.SerializeToString()

    def keep_outside(content: bytes, random: Random) -> bytes:
        """A weight that lies in another file."""
        model = onnx.load_from_string(content)
        tensor = random.choice(model.graph.initializer)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        where = random.choice((payloads.text(random, outside), str(outside / "secret.txt"), "network.onnx"))
        entries = {"location": where, "offset": str(extreme(random)), "length": str(extreme(random))}
        for key, value in list(entries.items())[: random.choice((1, 3))]:
            tensor.external_data.add(key=key, value=_sayable(value))
        return model.SerializeToString()

    strings = (change_fields,) * 4 + (rename_throughout,) * 4 + (keep_outside,)
    return (
        *strings,
        exchange_operators,
        exchange_operators,
        set_dimensions,
        set_dimensions,
        bomb,
        bomb,
        add_an_attribute,
    )


def exchange_operators(content: bytes, random: Random) -> bytes:
    """Nodes of another kind, in another order, of another domain, gone or repeated; other versions."""
    model = onnx.load_from_string(content)
    nodes = list(model.graph.node)
    node = random.choice(nodes)
    match random.randrange(6):
        case 0 | 1:
            node.op_type = random.choice(_OPERATORS)
        case 2:
            random.shuffle(nodes)
        case 3:
            nodes.remove(node)
        case 4:
            nodes.insert(random.randrange(len(nodes)), node)
        case _:
            node.domain = random.choice(("ai.onnx.ml", "com.microsoft", "x"))
            model.opset_import[0].version = random.choice((1, 7, 11, 18, 24, 1000, -1, 2**40))
    copies = [onnx.NodeProto.FromString(each.SerializeToString()) for each in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    return model.SerializeToString()


def set_dimensions(content: bytes, random: Random) -> bytes:
    """Sizes of a weight, of the input or of the output."""
    model = onnx.load_from_string(content)
    if random.random() < 0.6:
        tensor = random.choice(model.graph.initializer)
        sizes = list(tensor.dims)
        tensor.dims[:] = random.choice((sizes[::-1], [], [*sizes, 1], [_size(random) for _ in sizes], [2**40, *sizes]))
        return model.SerializeToString()
    value = random.choice((*model.graph.input, *model.graph.output))
    dims = value.type.tensor_type.shape.dim
    if random.random() < 0.3:
        del dims[random.randrange(len(dims))]
    else:
        random.choice(dims).dim_value = _size(random)
    return model.SerializeToString()


def bomb(content: bytes, random: Random) -> bytes:
    """Constants that take terabytes once they are computed, added to the output."""
    model = onnx.load_from_string(content)
    graph, big = model.graph, random.choice((40_000, 200_000, 2**31))
    constants = {
        "ConstantOfShape": {"s": np.array([big, big], np.int64)},
        "Range": {
            "a": np.array(0, np.float32),
            "b": np.array(float(big) ** 2, np.float32),
            "d": np.array(1, np.float32),
        },
        "Expand": {"x0": np.ones(1, np.float32), "s": np.array([big, big], np.int64)},
        "Tile": {"x0": np.ones((1, 1), np.float32), "s": np.array([big, big], np.int64)},
        "Pad": {"x0": np.ones((1, 1), np.float32), "s": np.array([0, 0, big, big], np.int64)},
        "OneHot": {"i": np.arange(10), "depth": np.array(big * 1000), "v": np.array([0, 1], np.float32)},
        "EyeLike": {"x0": np.ones((50_000, 1), np.float32)},
        "MatMul": {"x0": np.ones((50_000, 1), np.float32), "x1": np.ones((1, 50_000), np.float32)},
        "Add": {"x0": np.ones((50_000, 1), np.float32), "x1": np.ones((1, 50_000), np.float32)},
        "CumSum": {"x0": np.ones(10, np.float32), "s": np.array(big)},
    }
    kind = random.choice(sorted(constants))
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants[kind].items()
    )
    last = graph.output[0].name
    graph.node.append(helper.make_node(kind, list(constants[kind]), ["bomb"]))
    graph.node.append(helper.make_node("ReduceSum", ["bomb"], ["summed"], keepdims=0))
    graph.node.append(helper.make_node("Add", [last, "summed"], ["sum"]))
    graph.output[0].name = "sum"
    return model.SerializeToString()


def add_an_attribute(content: bytes, random: Random) -> bytes:
    """An attribute that the operator may not have, or one it has at an extreme."""
    model = onnx.load_from_string(content)
    node = random.choice(model.graph.node)
    known = list(onnx.defs.get_schema(node.op_type).attributes) if onnx.defs.has(node.op_type) else []
    name = random.choice([*known, "axis", "to", "body", "alpha"])
    values = (
        extreme(random),
        1.5,
        float("nan"),
        [1, 2, 3],
        [],
        [_size(random) % 2**62] * 4,
        "x",
        model.graph,
        np.ones(3),
    )
    value = random.choice(values)
    value = numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
    if isinstance(value, int):
        value = max(-(2**63), min(value, 2**63 - 1))
    node.attribute.append(
        helper.make_attribute(name, value, attr_type=onnx.AttributeProto.INTS if value == [] else None)
    )
    return model.SerializeToString()


def _size(random: Random) -> int:
    return max(-(2**63), min(extreme(random), 2**63 - 1))


def _fields(message: Any) -> Iterator[tuple[Any, Any]]:
    """Every field that is set, of a message and of those in it."""
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from _fields(inner)


def _strings(model: Any) -> Iterator[tuple[Any, Any, str]]:
    for message, field in _fields(model):
        if field.type == _TEXT:
            values = getattr(message, field.name)
            yield from (
                (message, (field, place), value)
                for place, value in enumerate(values if field.is_repeated else [values])
            )


def _put(message: Any, where: tuple[Any, int], new: str) -> None:
    field, place = where
    if field.is_repeated:
        getattr(message, field.name)[place] = _sayable(new)
    else:
        setattr(message, field.name, _sayable(new))


def _change(message: Any, field: Any, random: Random, outside: Path) -> None:
    if random.random() < 0.1:
        message.ClearField(field.name)
        return
    if field.is_repeated:
        values = getattr(message, field.name)
        place = random.randrange(len(values))
        if field.message_type is not None or random.random() < 0.3:
            del values[place]
        else:
            values[place] = _value(field, values[place], random, outside)
    elif field.message_type is None:
        setattr(message, field.name, _value(field, getattr(message, field.name), random, outside))
    else:
        message.ClearField(field.name)


def _value(field: Any, old: Any, random: Random, outside: Path) -> Any:
    if field.type == _TEXT:
        return _sayable(payloads.text(random, outside))
    if field.type == _BYTES:
        return random.choice(ANY)(old, random)
    if field.type in _FLOATS:
        return random.choice((float("nan"), float("inf"), -1.0, 1e38, 0.0))
    if field.enum_type is not None:
        return random.choice([value.number for value in field.enum_type.values])
    bits = 31 if field.type == FieldDescriptor.TYPE_INT32 else 63
    return max(0 if "UINT" in str(field.type) else -(2**bits), min(extreme(random), 2**bits - 1))


def _sayable(text: str) -> str:
    """The text without what a protobuf string cannot hold."""
    return text.encode(errors="ignore").decode()
