"""What the door for ONNX makes of graphs is what ONNX Runtime makes of them."""

import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import nn

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import open_network
from fiberscope.models.onnx_file import load_onnx, open_onnx
from fiberscope.problem import FiberscopeError, LatentMap
from fiberscope.problem.errors import ModelError
from onnx_graphs import FLOAT, array, assert_equal_to_runtime, draw, graph, node, runtime


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.attention = nn.Linear(4, 12)
        self.last = nn.LayerNorm(4)

    def forward(self, images):
        grid = nn.functional.gelu(self.norm(self.conv(images)))
        tokens = grid.flatten(2).transpose(1, 2)
        batch, count, width = tokens.shape
        q, k, v = self.attention(tokens).reshape(batch, count, 3, width).unbind(2)
        mixed = torch.softmax(q @ k.transpose(1, 2), -1) @ v
        return self.last(mixed).mean(1)


def exported(module, images, path, **options):
    with warnings.catch_warnings():  # the exporter warns of its own successor
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (images,), path, dynamo=False, **options)
    return onnx.load(path)


def test_a_network_that_torch_exported_is_the_network_and_runtime_agrees(tmp_path):
    torch.manual_seed(0)
    module, images = Small(), draw(3, 1, 6, 6)
    for opset in (13, 17):
        model = exported(module, images[:1], tmp_path / "net.onnx", opset_version=opset)
        loaded, shape = open_onnx(tmp_path / "net.onnx")
        assert shape == (1, 6, 6)
        # exported for one image, it takes three
        torch.testing.assert_close(loaded(images), module(images).detach(), rtol=1e-5, atol=1e-5)
        assert_equal_to_runtime(model, images[:1], loaded(images[:1]))
        assert LatentMap(loaded, shape).latent_size == 4


def test_int8_weights_become_floats():
    nodes = [
        node("DequantizeLinear", "w scale zero", "float_w"),
        node("Reshape", "float_w shape", "matrix"),
        node("MatMul", "x matrix", "z"),
    ]
    weights = {
        "w": np.arange(-6, 6, dtype=np.int8),
        "scale": np.float32(0.05),
        "zero": np.int8(2),
        "shape": np.array([4, 3]),
    }
    for opset in (13, 21):
        model = graph(nodes, weights=weights, opset=opset)
        assert_equal_to_runtime(model, draw(5, 4))
    assert LatentMap(load_onnx(model.SerializeToString()), (4,)).latent_size == 3


def test_half_precision_weights_become_single():
    nodes = [node("Cast", "x", "half", to=TensorProto.FLOAT16), node("MatMul", "half w", "z")]
    model = graph(nodes, weights={"w": array(4, 3).astype(np.float16)}, outputs=[("z", TensorProto.FLOAT16)])
    found = load_onnx(model.SerializeToString())(draw(2, 4))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, runtime(model, draw(2, 4)).astype(np.float32), rtol=2e-3, atol=2e-3)


def test_what_training_needs_is_dropped():
    nodes = [
        node("BatchNormalization", "x gain bias mean var", "normed saved_mean saved_var", training_mode=0),
        node("Dropout", "normed", "z mask"),
    ]
    del nodes[0].output[1:]
    weights = {name: np.abs(array(4)) for name in ("gain", "bias", "mean", "var")}
    assert_equal_to_runtime(graph(nodes, weights=weights, opset=15), draw(3, 4))


def test_newer_versions_are_read_where_they_mean_the_same():
    # the converter knows Reshape up to 14, ReduceMean up to 13 and with axes as an attribute
    nodes = [node("Reshape", "x shape", "grid"), node("ReduceMean", "grid axes", "z", keepdims=0)]
    weights = {"shape": np.array([0, 2, 2]), "axes": np.array([2])}
    assert_equal_to_runtime(graph(nodes, weights=weights, opset=21), draw(3, 4))


@pytest.mark.parametrize("bounds", [(1, 9, 1), (-3, -1, 1), (3, -9, -1), (-1, 0, -2), (2, 2, 1)], ids=str)
def test_slices_are_those_of_runtime(bounds):
    weights = {name: np.array([value]) for name, value in zip(("a", "b", "step"), bounds, strict=True)}
    model = graph([node("Slice", "x a b axis step", "z")], weights={**weights, "axis": np.array([-1])})
    assert_equal_to_runtime(model, draw(3, 4))


def test_versions_are_not_crossed_where_the_meaning_changed():
    # softmax over the second axis alone from version 13 on, over all from there before
    nodes = [
        node("Reshape", "x shape", "grid"),
        node("Softmax", "grid", "soft", axis=1),
        node("Flatten", "soft", "z"),
    ]
    for opset in (11, 12, 13, 17, 21):
        assert_equal_to_runtime(graph(nodes, weights={"shape": np.array([0, 2, 2])}, opset=opset), draw(3, 4))


def test_the_first_output_counts_unless_one_is_named():
    nodes = [node("MatMul", "x w", "hidden"), node("Relu", "hidden", "z")]
    model = graph(nodes, weights={"w": array(4, 3)}, outputs=[("z", FLOAT), ("hidden", FLOAT)]).SerializeToString()
    images = draw(2, 4)
    assert bool((load_onnx(model)(images) >= 0).all())
    assert bool((load_onnx(model, "hidden")(images) < 0).any())
    with pytest.raises(ModelError, match="no output 'logits'; it has z, hidden: name one of them"):
        load_onnx(model, "logits")


def test_one_output_of_an_operator_that_has_several_can_be_taken():
    nodes = [node("Split", "x sizes", "left right", axis=1)]
    outputs = [("left", FLOAT), ("right", FLOAT)]
    model = graph(nodes, weights={"sizes": np.array([1, 3])}, outputs=outputs).SerializeToString()
    torch.testing.assert_close(load_onnx(model, "right")(draw(2, 4)), draw(2, 4)[:, 1:])


def test_a_batch_that_cannot_be_opened_is_taken_in_chunks():
    # rows and columns of both images are in one axis: no reshape could copy the batch
    nodes = [
        node("Reshape", "x flat", "all"),
        node("Tanh", "all", "moved"),
        node("Reshape", "moved back", "z"),
    ]
    weights = {"flat": np.array([8]), "back": np.array([2, 4])}
    model = graph(nodes, weights=weights, inputs=[("x", FLOAT, [2, 4])])
    images = draw(5, 4)
    loaded, shape = open_onnx(model.SerializeToString())
    torch.testing.assert_close(loaded(images), images.tanh())
    assert LatentMap(loaded, shape).latent_size == 4


def test_a_batch_that_was_fixed_is_opened_without_chunks():
    nodes = [node("Reshape", "x grid", "square"), node("Relu", "square", "up"), node("Reshape", "up row", "z")]
    weights = {"grid": np.array([1, 1, 2, 2]), "row": np.array([1, -1])}
    loaded = load_onnx(graph(nodes, weights=weights, inputs=[("x", FLOAT, [1, 4])]).SerializeToString())
    assert type(loaded).__name__ == "GraphModule"
    torch.testing.assert_close(loaded(draw(3, 4)), draw(3, 4))


def test_sizes_that_vary_are_left_open():
    model = graph([node("GlobalAveragePool", "x", "z")], inputs=[("x", FLOAT, ["batch", 3, "height", "width"])])
    loaded, shape = open_onnx(model.SerializeToString())
    assert shape is None
    assert loaded(draw(2, 3, 5, 7)).shape == (2, 3, 1, 1)


def test_a_file_that_does_not_say_its_images_asks_for_their_shape(tmp_path):
    path = tmp_path / "net.onnx"
    nodes = [node("GlobalAveragePool", "x", "mean"), node("Flatten", "mean", "z")]
    onnx.save(graph(nodes, inputs=[("x", FLOAT, ["batch", 3, "height", "width"])]), path)
    with pytest.raises(FiberscopeError, match=r"net\.onnx does not say which images it takes.*--input-shape 3 224 224"):
        open_network(NetworkChoice(model=str(path)))
    assert open_network(NetworkChoice(model=str(path), input_shape=(3, 6, 6))).latent_map.latent_size == 3
    # another output, by its name
    with pytest.raises(ModelError, match="no output 'mean'; it has z"):
        open_network(NetworkChoice(model=f"{path}:mean", input_shape=(3, 6, 6)))


# what is refused


def refusal(*arguments, **options):
    with pytest.raises(ModelError) as error:
        load_onnx(graph(*arguments, **options).SerializeToString())
    return str(error.value)


def test_operators_that_torch_has_no_module_for_are_listed():
    told = refusal([node("Hardmax", "x", "up"), node("Relu", "up", "z")], opset=17)
    assert "cannot be turned into torch: Hardmax (version 17). Export it again without them, or give" in told


def test_another_version_is_advised_only_where_it_helps():
    # an exporter writes GroupNormalization in other operators where version 13 lacks it
    nodes = [node("GroupNormalization", "x s b", "z", num_groups=2)]
    weights = {"s": np.ones(4, np.float32), "b": np.zeros(4, np.float32)}
    images = [("x", FLOAT, ["batch", 4, 2])]
    assert "opset_version=13" in refusal(nodes, weights=weights, inputs=images, opset=21)
    assert "opset_version" not in refusal([node("Hardmax", "x", "z")], opset=13)
    assert "opset_version" not in refusal([node("Hardmax", "x", "z")], opset=17)


def test_integer_inputs_are_refused():
    told = refusal([node("Cast", "x", "z", to=FLOAT)], inputs=[("x", TensorProto.UINT8, ["batch", 4])])
    assert "ONNX input x takes uint8, and nothing can be differentiated through integers" in told


def test_several_inputs_are_refused_by_name():
    inputs = [("x", FLOAT, ["batch", 4]), ("mask", FLOAT, ["batch", 4])]
    assert "has 2 inputs (x, mask), wanted one, the images" in refusal([node("Add", "x mask", "z")], inputs=inputs)


def test_rounding_to_integers_is_refused():
    nodes = [node("QuantizeLinear", "x s o", "q"), node("DequantizeLinear", "q s o", "z")]
    told = refusal(nodes, weights={"s": np.float32(0.1), "o": np.uint8(3)})
    assert "rounds what it computes to integers (QuantizeLinear), so it has no gradient" in told


def test_chance_and_training_mode_are_refused():
    assert "draws random numbers (RandomNormalLike)" in refusal(
        [node("RandomNormalLike", "x", "noise"), node("Add", "x noise", "z")]
    )
    nodes = [node("BatchNormalization", "x g g g g", "z m v", training_mode=1)]
    assert "the_z of its ONNX graph is in training mode" in refusal(nodes, weights={"g": np.abs(array(4))}, opset=15)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08"])
def test_files_that_are_no_models_are_refused(tmp_path, content):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"net\.onnx is truncated or no ONNX file .*; copy it again"):
        load_onnx(path)


def test_a_half_finished_copy_is_refused(tmp_path):
    whole = graph([node("MatMul", "x w", "z")], weights={"w": array(4, 3)}).SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="is truncated or no ONNX file"):
        load_onnx(path)
    with pytest.raises(ModelError, match=r"there\.onnx does not exist; check the path"):
        load_onnx(tmp_path / "there.onnx")
