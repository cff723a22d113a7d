"""Which operators an output of an ONNX graph needs, in an order in which each comes behind what it needs."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict

from onnx import GraphProto, NodeProto

from fiberscope.models.onnx.limits import NODES, quote
from fiberscope.problem.errors import ModelError


def in_order(graph: GraphProto, output: str) -> list[NodeProto]:
    """The operators that an output needs, in the file's order where that can be.

    Raises ModelError where a value is made twice or by none, or needs itself.
    """
    if len(graph.node) > NODES:
        raise ModelError(
            f"model: its ONNX graph has {len(graph.node)} operators, wanted at most {NODES}; give the network itself "
            "as file.py:factory or as an exported program .pt2"
        )
    _refuse_what_is_no_text(graph)
    makers = _makers(graph)
    given = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    given |= {tensor.values.name for tensor in graph.sparse_initializer}
    needed, waiting = set[int](), [output]
    needs: dict[int, set[int]] = {}
    while waiting:
        name = waiting.pop()
        place = makers.get(name)
        if place is None and name not in given:
            raise _damaged(f"needs {quote(name)}, which nothing in it makes")
        if place is None or place in needed:
            continue
        needed.add(place)
        inputs = [each for each in graph.node[place].input if each]
        needs[place] = {makers[each] for each in inputs if each in makers}
        waiting += inputs
    if not needed:
        raise ModelError(
            f"model: output {quote(output)} of its ONNX graph is made by no operator; name another one: net.onnx:NAME"
        )
    return [graph.node[place] for place in _sorted(needs)]


def _refuse_what_is_no_text(graph: GraphProto) -> None:
    """Refuse names that are no UTF-8: protobuf gives them as bytes."""
    named = [*graph.input, *graph.output, *graph.initializer, *(it.values for it in graph.sparse_initializer)]
    texts: list[object] = [each.name for each in named]
    for node in graph.node:
        texts += [node.name, node.op_type, node.domain, *node.input, *node.output]
        texts += [each for attribute in node.attribute for each in (attribute.name, attribute.ref_attr_name)]
    if not all(isinstance(each, str) for each in texts):
        raise _damaged("has a name that is no text")


def _makers(graph: GraphProto) -> dict[str, int]:
    """The place of the operator that makes a value."""
    makers: dict[str, int] = {}
    constants = [tensor.name for tensor in graph.initializer]
    twice = [name for name, count in Counter(constants).items() if count > 1]
    inputs = {value.name for value in graph.input}
    for place, node in enumerate(graph.node):
        for name in node.output:
            if name and (name in makers or name in inputs):
                twice.append(name)
            if name:
                makers[name] = place
    twice += [name for name in constants if name in makers]
    if twice:
        raise _damaged(f"makes {quote(twice[0])} twice")
    return makers


def _sorted(needs: dict[int, set[int]]) -> list[int]:
    users = defaultdict[int, list[int]](list)
    for place, before in needs.items():
        for each in before:
            users[each].append(place)
    open_needs = {place: len(before) for place, before in needs.items()}
    ready = [place for place, count in open_needs.items() if not count]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        place = heapq.heappop(ready)
        order.append(place)
        for user in users[place]:
            open_needs[user] -= 1
            if not open_needs[user]:
                heapq.heappush(ready, user)
    if len(order) < len(needs):
        raise _damaged("goes in circles: an operator needs what is made of its own output")
    return order


def _damaged(reason: str) -> ModelError:
    return ModelError(f"model: its ONNX graph {reason}; it is damaged: copy or export it again")
