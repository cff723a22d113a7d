"""The part of onnx2torch that fiberscope calls; onnx2torch ships no types of its own."""

from onnx import ModelProto
from torch import nn

def convert(onnx_model_or_path: ModelProto) -> nn.Module: ...
