"""Making an ONNX graph anew from what is allowed, for the door in onnx_file.py."""
