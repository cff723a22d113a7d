"""Names of an exported program: of values, of arguments, of layers, and of the containers that it returns."""

from __future__ import annotations

import hashlib
import json
import keyword
import re
from typing import Any

from torch import nn

from fiberscope.models.json_rules import Refused, shown

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_PART = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]{0,99}|[0-9]{1,6})(?:@[0-9]{1,6})?")
_CALL = re.compile(r"[0-9]{1,6}")
_DEEPEST = 64
_TAKEN = frozenset(dir(nn.Module()))  # a layer of such a name would hide what torch calls
_NO_LAYER = "_empty_nn_module_stack_from_metadata_hook"  # torch's own word for a step outside of all layers

_CONTAINERS = ("builtins.tuple", "builtins.list")


def value_name(found: Any) -> str:
    """The name of a value, marked so that it can be none of Python's words and nothing that torch calls."""
    if not isinstance(found, str) or not _IDENTIFIER.fullmatch(found):
        raise Refused(f"name {shown(found)} is no identifier")
    return f"v_{found}"


def argument_name(found: Any) -> str:
    """The name that an operator gives its argument, or nothing."""
    if found != "" and (not isinstance(found, str) or not _is_plain(found)):
        raise Refused(f"name {shown(found)} is no name of an argument")
    return str(found)


def layer_name(found: Any) -> str:
    """The dotted name of a layer or a weight: identifiers and numbers alone, none of them torch's own."""
    if found == "":
        return ""
    parts = found.split(".") if isinstance(found, str) else []
    if not 1 <= len(parts) <= _DEEPEST or not all(map(_is_part, parts)):
        raise Refused(f"name {shown(found)} is no name of a layer: dotted identifiers and numbers")
    return str(found)


def layers_around(found: Any) -> str:
    """The layers in which a step runs, outermost first, without their classes and with identities of our own."""
    if not isinstance(found, str):
        raise Refused(f"{shown(found)} is no list of layers")
    entries = [entry.split(",", 2) for entry in found.split(";")]
    if [entry[0] for entry in entries] == [_NO_LAYER]:
        return ",".join([_NO_LAYER] * 3)
    if not all(len(entry) == 3 for entry in entries):
        raise Refused(f"{shown(found)} is no list of layers")
    return ";".join(f"{_identity(key)},{layer_name(path)},layer" for key, path, _ in entries)


def containers(found: Any) -> str:
    """The shape of what a program returns: tensors in tuples, lists and dicts, and no other containers."""
    try:
        protocol, tree = json.loads(found)
        if protocol != 1:
            raise _no_containers(found)
        return json.dumps([1, _container(tree)])
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise Refused(str(error) if isinstance(error, Refused) else f"{shown(found)} are no containers") from error


def _container(tree: Any) -> dict[str, Any]:
    kind, context, children = tree["type"], tree["context"], [_container(each) for each in tree["children_spec"]]
    if kind is None and context is None and not children:
        return {"type": None, "context": None, "children_spec": []}
    if kind in _CONTAINERS and context == "null":
        return {"type": kind, "context": "null", "children_spec": children}
    if kind == "builtins.dict":
        keys = [argument_name(key) for key in json.loads(context)]
        if len(keys) == len(set(keys)) == len(children):
            return {"type": kind, "context": json.dumps(keys), "children_spec": children}
    raise _no_containers(tree)


def _no_containers(found: object) -> Refused:
    return Refused(f"container {shown(found)} is none of tuple, list and dict; return one tensor")


def _is_plain(name: str) -> bool:
    dunder = name.startswith("__") and name.endswith("__")
    return bool(_IDENTIFIER.fullmatch(name)) and not keyword.iskeyword(name) and not dunder


def _is_part(part: str) -> bool:
    name = part.partition("@")[0]
    free = name.isdigit() or (_is_plain(name) and name not in _TAKEN)
    return bool(_PART.fullmatch(part)) and free


def _identity(key: str) -> str:
    """A layer's identity and the number of its call, which tell repeated calls apart."""
    base, _, call = key.partition("@")
    if call and not _CALL.fullmatch(call):
        raise Refused(f"{shown(key)} is no layer")
    mark = hashlib.sha256(base.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"layer_{mark}@{call}" if call else f"layer_{mark}"
