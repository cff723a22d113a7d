"""Names of layers: the file's own where they are plain identifiers, else the operator's with a number."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from onnx import NodeProto
from torch import fx, nn

CONSTANTS = "constants"
"""The name under which a network keeps the tensors that are no layer's."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_TAKEN = frozenset([*dir(fx.GraphModule(nn.Module(), fx.Graph())), CONSTANTS])


def layer_names(nodes: Iterable[NodeProto]) -> list[str]:
    """A name for each operator: an identifier, no word of Python's and no attribute of a module, given once.

    Slashes and dots of the file's names become underlines: ``/block.1/Conv`` is ``block_1_Conv``.
    """
    nodes = list(nodes)
    wanted = [_plain(node.name) for node in nodes]
    taken = {name for name in wanted if name}
    given: set[str] = set()
    counts: dict[str, int] = {}
    names: list[str] = []
    for node, name in zip(nodes, wanted, strict=True):
        kept = name if name and name not in given else _numbered(node.op_type, counts, taken | given)
        given.add(kept)
        names.append(kept)
    return names


def _plain(name: str) -> str:
    """The name as an identifier, nothing where it is none."""
    plain = re.sub(r"[/.]+", "_", name.strip("/."))
    free = _PLAIN.fullmatch(plain) and not keyword.iskeyword(plain) and not plain.startswith("__")
    return plain if free and plain not in _TAKEN else ""


def _numbered(operator: str, counts: dict[str, int], taken: set[str]) -> str:
    while True:
        count = counts.get(operator, 0)
        counts[operator] = count + 1
        name = f"{operator}_{count}" if count else operator
        if name not in taken and name not in _TAKEN:
            return name
