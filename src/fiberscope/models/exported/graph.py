"""The graph of an exported program as torch writes it, entry by entry, and nothing else.

Follows torch/_export/serde/schema.py. Left behind are traces, source functions, guards, named tuples, custom metadata,
signatures of inner modules, and where a tensor was; refused are custom objects, foreign operators and containers.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fiberscope.models.exported.names import (
    argument_name,
    containers,
    layer_name,
    layers_around,
    value_name,
)
from fiberscope.models.exported.operators import CHECKS, operator_name
from fiberscope.models.exported.sizes import LARGEST, size_expression, symbol_name
from fiberscope.models.json_rules import (
    Refused,
    always,
    flag,
    many,
    one_of,
    optional,
    real,
    record,
    shown,
    table,
    whole,
)

_WORDS = re.compile(r"[A-Za-z0-9_ ,.>-]{0,200}")
ON_CPU = always({"type": "cpu", "index": None})
STRIDED = whole(7, 7)
KIND = whole(1, 13)  # torch's numbers for uint8 to bfloat16
_ONE_INPUT = json.dumps(
    [1, {"type": "builtins.tuple", "context": "null", "children_spec": [
        {"type": "builtins.tuple", "context": "null", "children_spec": [
            {"type": None, "context": None, "children_spec": []}]},
        {"type": "builtins.dict", "context": "[]", "children_spec": []}]}]
)  # fmt: skip


def clean_program(found: object) -> dict[str, Any]:
    """The program of a `models/*.json` with what is allowed alone; raises Refused where that is not a program."""
    program: dict[str, Any] = _PROGRAM(found)
    module = program["graph_module"]
    inputs = sum("user_input" in each for each in module["signature"]["input_specs"])
    if inputs != 1:
        raise Refused(f"it takes {inputs} inputs, wanted one, the images")
    root = module["module_call_graph"][:1]
    if not root or root[0]["fqn"] != "" or root[0]["signature"] is None:
        raise Refused("module_call_graph: the program itself is missing")
    for entry in module["module_call_graph"][1:]:
        entry["signature"] = None
    return program


def _words(found: Any) -> str:
    if not isinstance(found, str) or not _WORDS.fullmatch(found):
        raise Refused(f"{shown(found)} is no option of an operator")
    return found


def _graph(found: Any) -> Any:
    return _GRAPH(found)


def _nodes(found: Any) -> Any:
    return [node for node in many(_NODE)(found) if node["target"] != CHECKS]


def _metadata(found: Any) -> dict[str, str]:
    stack = found.get("nn_module_stack") if isinstance(found, dict) else None
    return {} if stack is None else {"nn_module_stack": layers_around(stack)}


_whole = whole(-LARGEST - 1, LARGEST)
_yes = always(True)  # torch ignores the value beside as_none
_VALUE = record({"name": value_name})
_HINT = optional(one_of({"as_int": _whole, "as_bool": flag, "as_float": real}))
_EXPRESSION = record({"expr_str": size_expression}, {"hint": _HINT})
_SIZE = one_of({"as_expr": _EXPRESSION, "as_int": whole(0, LARGEST)})
_OPEN_INT = one_of({"as_expr": _EXPRESSION, "as_int": _whole})
_OPEN_FLOAT = one_of({"as_expr": _EXPRESSION, "as_float": real})
_OPEN_BOOL = one_of({"as_expr": _EXPRESSION, "as_bool": flag})
_INT = one_of({"as_name": value_name, "as_int": _whole})
_FLOAT = one_of({"as_name": value_name, "as_float": real})
_BOOL = one_of({"as_name": value_name, "as_bool": flag})
_TENSOR_OR_NONE = one_of({"as_tensor": _VALUE, "as_none": _yes})
_TENSOR = record(
    {"dtype": KIND, "sizes": many(_SIZE), "strides": many(_SIZE), "storage_offset": _SIZE, "layout": STRIDED,
     "requires_grad": flag, "device": ON_CPU}
)  # fmt: skip
_ARGUMENT = one_of(
    {
        "as_none": _yes,
        "as_tensor": _VALUE,
        "as_tensors": many(_VALUE),
        "as_optional_tensor": _TENSOR_OR_NONE,
        "as_optional_tensors": many(_TENSOR_OR_NONE),
        "as_int": _whole,
        "as_ints": many(_whole),
        "as_float": real,
        "as_floats": many(real),
        "as_bool": flag,
        "as_bools": many(flag),
        "as_complex": record({"real": real, "imag": real}),
        "as_string": _words,
        "as_sym_int": _INT,
        "as_sym_ints": many(_INT),
        "as_sym_float": _FLOAT,
        "as_sym_floats": many(_FLOAT),
        "as_sym_bool": _BOOL,
        "as_sym_bools": many(_BOOL),
        "as_scalar_type": KIND,
        "as_memory_format": whole(1, 4),
        "as_layout": STRIDED,
        "as_device": ON_CPU,
        "as_graph": record({"name": value_name, "graph": _graph}),
    }
)
_NODE = record(
    {
        "target": operator_name,
        "inputs": many(record({"name": argument_name, "arg": _ARGUMENT}, {"kind": optional(whole(0, 2))})),
        "outputs": many(_ARGUMENT),
        "metadata": _metadata,
    },
    {"is_hop_single_tensor_return": optional(flag), "name": optional(value_name)},
)
_GRAPH = record(
    {
        "inputs": many(_ARGUMENT),
        "outputs": many(_ARGUMENT),
        "nodes": _nodes,
        "tensor_values": table(value_name, _TENSOR),
        "sym_int_values": table(value_name, _OPEN_INT),
        "sym_bool_values": table(value_name, _OPEN_BOOL),
    },
    {"sym_float_values": table(value_name, _OPEN_FLOAT), "is_single_tensor_return": flag},
)
_INPUT = one_of(
    {
        "user_input": record({"arg": one_of({"as_tensor": _VALUE})}),
        "parameter": record({"arg": _VALUE, "parameter_name": layer_name}),
        "buffer": record({"arg": _VALUE, "buffer_name": layer_name, "persistent": flag}),
        "tensor_constant": record({"arg": _VALUE, "tensor_constant_name": layer_name}),
    }
)
_OUTPUT = one_of(
    {
        "user_output": record({"arg": _ARGUMENT}),
        "buffer_mutation": record({"arg": _VALUE, "buffer_name": layer_name}),
        "user_input_mutation": record({"arg": _VALUE, "user_input_name": value_name}),
    }
)
_SIGNATURE = record(
    {"inputs": always([]), "outputs": always([]), "in_spec": always(_ONE_INPUT), "out_spec": containers}
)
_MODULE = record(
    {
        "graph": _GRAPH,
        "signature": record({"input_specs": many(_INPUT), "output_specs": many(_OUTPUT)}),
        "module_call_graph": many(record({"fqn": layer_name, "signature": lambda found: found and _SIGNATURE(found)})),
    }
)
_BOUND = optional(_whole)
_PROGRAM = record(
    {
        "graph_module": _MODULE,
        "opset_version": record({"aten": whole(1, 10**6)}),
        "range_constraints": table(symbol_name, record({"min_val": _BOUND, "max_val": _BOUND})),
        "schema_version": record({"major": whole(0, 10**6), "minor": whole(0, 10**6)}),
        "verifiers": always(["TRAINING"]),
        "torch_version": always("unknown"),
    }
)
