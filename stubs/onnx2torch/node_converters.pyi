from collections.abc import Callable, Sequence
from typing import NamedTuple

from onnx2torch.onnx_graph import OnnxGraph, OnnxNode
from torch import nn

class _Mapping(NamedTuple):
    inputs: Sequence[str]

def get_converter(
    *, operation_type: str, version: int, domain: str
) -> Callable[[OnnxNode, OnnxGraph], tuple[nn.Module, _Mapping]]: ...
