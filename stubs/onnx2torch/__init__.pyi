"""The part of onnx2torch that fiberscope calls; onnx2torch ships no types of its own."""
