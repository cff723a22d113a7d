"""Small ONNX graphs, and what ONNX Runtime makes of them."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from fiberscope.models.onnx_file import load_onnx
from fiberscope.problem.errors import ModelError

FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE
IMAGES = (("x", FLOAT, ["batch", 4]),)


def graph(nodes, *, weights=(), inputs=IMAGES, outputs=(("z", FLOAT),), opset=17):
    made = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each, None) for each in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(weights).items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), output.split(), name=f"the_{output.split()[0]}", **attributes)


def runtime(model, images):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {session.get_inputs()[0].name: images.numpy()})[0]


def draw(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def array(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(2)).numpy()


def assert_equal_to_runtime(model, images, found=None):
    expected = runtime(model, images)
    found = load_onnx(model.SerializeToString())(images) if found is None else found
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max(initial=0))


def small(name="the_layer", value="h", image="x", weight="w"):
    nodes = [
        helper.make_node("MatMul", [image, weight], [value], name=name),
        helper.make_node("Relu", [value], ["z"], name=f"{name}."),
    ]
    return graph(nodes, weights={weight: array(4, 3)}, inputs=[(image, FLOAT, ["batch", 4])])


def refusal(model, **options):
    with pytest.raises(ModelError) as error:
        load_onnx(model if isinstance(model, bytes) else model.SerializeToString(), **options)
    assert str(error.value).isprintable()
    return str(error.value)
