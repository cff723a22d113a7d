"""The attributes of an ONNX operator, held to what the operator's own definition allows."""

from __future__ import annotations

import re
from typing import Any

from onnx import AttributeProto, NodeProto, defs, helper, numpy_helper

from fiberscope.models.onnx.limits import quote
from fiberscope.models.onnx.tensors import array_of
from fiberscope.problem.errors import ModelError

_WORDS = re.compile(rb"[A-Za-z0-9_ ,.>-]{0,200}")  # modes, and equations of Einsum
_POSITIVE = ("strides", "dilations", "kernel_shape", "group", "blocksize", "num_outputs", "size")
_LARGEST = 2**31
_AT_MOST = {"sampling_ratio": 16}
_ANY = ("Constant", "Shape", "Slice")  # whose numbers need not be sizes
_GRAPHS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)


def checked(node: NodeProto, schema: defs.OpSchema) -> list[AttributeProto]:
    """The attributes of an operator, made anew from their values; raises ModelError for what its schema lacks."""
    found: dict[str, AttributeProto] = {}
    for attribute in node.attribute:
        if attribute.type in _GRAPHS or attribute.HasField("g") or attribute.graphs:
            raise ModelError(
                f"model: its ONNX graph has graphs inside it ({schema.name}), and which of them runs is decided by "
                "numbers. Export it again from a forward without if and loop, or give the network itself as "
                "file.py:factory"
            )
        if attribute.name not in schema.attributes or attribute.name in found:
            raise ModelError(
                f"model: {schema.name} of its ONNX graph has an attribute {quote(attribute.name)} that version "
                f"{schema.since_version} of this operator lacks, or has it twice; export it again"
            )
        wanted = schema.attributes[attribute.name]
        if attribute.ref_attr_name or attribute.type not in (_kind(wanted), AttributeProto.UNDEFINED):
            raise _damaged(schema, attribute, f"is none of {AttributeProto.AttributeType.Name(_kind(wanted)).lower()}")
        found[wanted.name] = _made_anew(attribute, schema, wanted)
    missing = [name for name, attribute in schema.attributes.items() if attribute.required and name not in found]
    if missing:
        raise ModelError(
            f"model: {schema.name} of its ONNX graph lacks {', '.join(missing)}; it is damaged: copy or export it again"
        )
    return list(found.values())


def _kind(wanted: defs.OpSchema.Attribute) -> Any:
    """The type of an attribute, by its number."""
    kind: Any = wanted.type
    return kind.value


def _made_anew(attribute: AttributeProto, schema: defs.OpSchema, wanted: defs.OpSchema.Attribute) -> AttributeProto:
    fresh = AttributeProto(name=wanted.name, type=_kind(wanted))
    match fresh.type:
        case AttributeProto.INT:
            fresh.i = _whole(attribute.i, schema, attribute)
        case AttributeProto.INTS:
            fresh.ints.extend(_whole(value, schema, attribute) for value in attribute.ints)
        case AttributeProto.FLOAT:
            fresh.f = attribute.f
        case AttributeProto.FLOATS:
            fresh.floats.extend(attribute.floats)
        case AttributeProto.STRING:
            fresh.s = _words(attribute.s, schema, attribute)
        case AttributeProto.TENSOR:
            fresh.t.CopyFrom(numpy_helper.from_array(array_of(attribute.t)))
        case _:
            raise _damaged(schema, attribute, "holds neither numbers nor a word")
    return fresh


def _whole(value: int, schema: defs.OpSchema, attribute: AttributeProto) -> int:
    if schema.name not in _ANY and not -_LARGEST <= value < _AT_MOST.get(attribute.name, _LARGEST):
        raise _damaged(schema, attribute, f"is {value}, out of all proportion")
    if attribute.name in _POSITIVE and value < 1:
        raise _damaged(schema, attribute, f"is {value}, wanted a positive number")
    return value


def _words(value: bytes, schema: defs.OpSchema, attribute: AttributeProto) -> bytes:
    if not _WORDS.fullmatch(value):
        raise _damaged(schema, attribute, f"is {value[:40]!a}, wanted a word")
    return value


def _damaged(schema: defs.OpSchema, attribute: AttributeProto, found: str) -> ModelError:
    return ModelError(
        f"model: attribute {quote(attribute.name)} of {schema.name} of its ONNX graph {found}; it is damaged: copy or "
        "export it again"
    )


def value_of(node: NodeProto, name: str, default: object = None) -> Any:
    """The value of an attribute, the default where the operator has none of that name."""
    return next((helper.get_attribute_value(it) for it in node.attribute if it.name == name), default)
