from collections.abc import Mapping

from onnx import GraphProto

class OnnxNode: ...

class OnnxGraph:
    def __init__(self, onnx_graph_proto: GraphProto) -> None: ...
    @property
    def nodes(self) -> Mapping[str, OnnxNode]: ...
