"""A network from an ONNX file, as other tools and other languages write them.

The file is made here by hand, with int8 weights as phones have them; they become floats, and it can be differentiated.
Needs: pip install 'fiberscope[onnx]'
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import fiberscope as fs

draw = np.random.default_rng(0)
weights = {
    "w1": draw.integers(-127, 128, (784, 32), dtype=np.int8),
    "w2": draw.integers(-127, 128, (32, 6), dtype=np.int8),
    "scale": np.float32(0.001),
}
nodes = [
    helper.make_node("DequantizeLinear", ["w1", "scale"], ["f1"]),
    helper.make_node("DequantizeLinear", ["w2", "scale"], ["f2"]),
    helper.make_node("Flatten", ["images"], ["row"]),
    helper.make_node("MatMul", ["row", "f1"], ["hidden"]),
    helper.make_node("Softplus", ["hidden"], ["bent"], name="bend"),
    helper.make_node("MatMul", ["bent", "f2"], ["latent"]),
]
graph = helper.make_graph(
    nodes,
    "small",
    [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 1, 28, 28])],
    [helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", 6])],
    [numpy_helper.from_array(array, name) for name, array in weights.items()],
)
with TemporaryDirectory() as folder:
    path = Path(folder) / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    opened = fs.models.open_model(str(path))

assert opened.input_shape is not None
latent_map = fs.LatentMap(opened.module, opened.input_shape)
digits = fs.data.mnist("test").images
fiber = fs.Fiber.through(latent_map, digits[:2])
near = fs.nearest(fiber, digits[2:4])
print(f"the file says that an image is {opened.input_shape} and gives {latent_map.latent_size} numbers of it")
for row, outcome in enumerate(near.outcome):
    print(f"digit {2 + row} with the latent of digit {row}: {outcome.value}, {near.distance[row]:.2f} from itself")
print(
    f"off by {float(near.residual_norm.max()):.1e} at most; gradients reach the pixels: {torch.is_tensor(near.points)}"
)
