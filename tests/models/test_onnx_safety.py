"""No string of an ONNX file reaches generated code, and what is damaged is refused with the reason."""

import contextlib
import keyword
import random
import re

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import fx

from fiberscope.models.onnx_file import load_onnx, open_onnx
from fiberscope.problem import FiberscopeError, LatentMap
from fiberscope.problem.errors import ModelError
from onnx_graphs import FLOAT, array, draw, graph, node, refusal, small

CODE = 'x")\rimport os\ros.abort()\rdef forward(self):\r    q = ("'
STRANGE = [CODE, "", "a b", "été", "class", "__init__", "forward", "training", "_modules", "graph", "code", "constants"]
STRANGE += ["9", "x\x1b[31m", "../x", "a" * 5000, "ﬁ", "self", "None"]


# names


@pytest.mark.parametrize("name", STRANGE, ids=ascii)
def test_names_of_a_file_become_plain_identifiers(name):
    # layers, and values where an empty name would mean none
    model = small(name=name, value=name or "h", image=f"{name} image", weight=f"{name} weight")
    module = load_onnx(model.SerializeToString())
    assert isinstance(module, fx.GraphModule)
    torch.testing.assert_close(module(draw(2, 4)), (draw(2, 4) @ torch.tensor(array(4, 3))).relu())
    layers = [layer for layer, _ in module.named_children()]
    assert all(layer.isascii() and layer.isidentifier() and not keyword.iskeyword(layer) for layer in layers)
    assert re.fullmatch(r"[\x20-\x7e\n]*", module.code)
    assert "abort" not in module.code


def test_readable_names_of_layers_are_kept_and_each_is_given_once():
    nodes = [node("Relu", "x", "a"), node("Relu", "a", "b"), node("Relu", "b", "c"), node("Relu", "c", "z")]
    for each, name in zip(nodes, ["/block.1/Relu", "/block.1/Relu", "Relu", ""], strict=True):
        each.name = name
    names = [name for name, _ in load_onnx(graph(nodes).SerializeToString()).named_children()]
    assert names == ["block_1_Relu", "Relu_1", "Relu", "Relu_2"]


def test_outputs_are_chosen_by_the_names_of_the_file():
    for name in STRANGE:
        if name:
            nodes = [helper.make_node("MatMul", ["x", "w"], [name]), node("Relu", name, "z")]
            nodes[1].input[0] = name
            outputs = [("z", FLOAT), (name, FLOAT)]
            model = graph(nodes, weights={"w": array(4, 3)}, outputs=outputs).SerializeToString()
            assert bool((load_onnx(model, name)(draw(2, 4)) < 0).any())


def test_words_of_attributes_are_words():
    model = small()
    model.graph.node[0].op_type = "Einsum"
    model.graph.node[0].attribute.append(helper.make_attribute("equation", CODE))
    assert "attribute 'equation' of Einsum of its ONNX graph is b" in refusal(model)
    model = small()
    model.graph.node[1].attribute.append(helper.make_attribute(CODE, 1))
    assert "that version 14 of this operator lacks" in refusal(model)


@pytest.mark.parametrize("place", ["op_type", "domain"])
def test_operators_are_those_that_onnx_defines(place):
    model = small()
    setattr(model.graph.node[1], place, CODE)
    assert "does not define" in refusal(model)


def test_what_only_people_read_is_left_in_the_file():
    model = small()
    model.doc_string = model.graph.doc_string = model.graph.name = model.producer_name = CODE
    model.graph.node[0].doc_string = CODE
    model.metadata_props.add(key=CODE, value=CODE)
    model.opset_import.append(helper.make_opsetid(CODE, 1))
    model.graph.value_info.append(helper.make_tensor_value_info(CODE, FLOAT, [CODE]))
    model.training_info.add().algorithm.name = CODE
    assert load_onnx(model.SerializeToString())(draw(2, 4)).shape == (2, 3)


# structure


def test_damaged_graphs_are_refused_with_the_reason():
    def changed(change):
        model = small()
        change(model.graph)
        return refusal(model)

    assert "'z' twice" in changed(lambda it: it.node[0].output.__setitem__(0, "z"))
    assert "goes in circles" in changed(lambda it: it.node[0].input.__setitem__(0, "z"))
    assert "needs 'nothing', which" in changed(lambda it: it.node[0].input.__setitem__(0, "nothing"))
    assert "'w' twice" in changed(lambda it: it.initializer.append(it.initializer[0]))
    assert "has no output" in changed(lambda it: it.ClearField("output"))
    assert "takes no numbers" in changed(lambda it: it.input[0].type.Clear())
    assert "has 3 inputs and 1 outputs" in changed(lambda it: it.node[0].input.append("x"))


@pytest.mark.parametrize("dims", [[4, 2**40], [4, 2], [-4, -3], [2**62, 2**62, 3], [1] * 40], ids=str)
def test_sizes_that_do_not_fit_the_data_are_refused(dims):
    model = small()
    model.graph.initializer[0].dims[:] = dims
    assert re.search("sizes .*(it is damaged: copy or export it again)", refusal(model))


def test_weights_that_are_no_numbers_are_refused():
    model = small()
    model.graph.initializer[0].CopyFrom(helper.make_tensor("w", TensorProto.STRING, [1], [b"a"]))
    assert "tensor 'w' of its ONNX graph holds string" in refusal(model)
    model = small()
    model.graph.initializer[0].data_type = 999
    assert "numbers of an unknown type 999" in refusal(model)


def test_versions_that_onnx_does_not_know_are_refused():
    for versions in ([], [9999], [0], [13, 17]):
        model = small()
        del model.opset_import[:]
        model.opset_import.extend(helper.make_opsetid("", version) for version in versions)
        assert "version of the operators in its ONNX file: found" in refusal(model)


# mutated files


def seeds():
    image = [("x", FLOAT, [1, 1, 6, 6])]
    layers = [
        node("Conv", "x w b", "c", kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1]),
        node("MaxPool", "c", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", "p", "g"),
        node("Flatten", "g", "f"),
        node("Gemm", "f v c0", "z", transB=1),
    ]
    yield graph(layers, weights={"w": array(4, 1, 3, 3), "b": array(4), "v": array(3, 4), "c0": array(3)}, inputs=image)
    folded = [
        node("DequantizeLinear", "w s o", "f"),
        node("Shape", "x", "shape"),
        node("Gather", "shape first", "n"),
        node("Concat", "n rest", "grid", axis=0),
        node("Reshape", "x grid", "y"),
        node("MatMul", "y f", "k"),
        node("Tile", "k twice", "z"),
    ]
    weights = {"w": np.arange(-3, 3, dtype=np.int8).reshape(2, 3), "s": np.float32(0.1), "o": np.int8(1)}
    weights |= {"first": np.array([0]), "rest": np.array([2, 2]), "twice": np.array([1, 2, 1])}
    yield graph(folded, weights=weights)
    value = numpy_helper.from_array(np.array([2.0], np.float32))
    grown = [
        node("ConstantOfShape", "s", "c", value=value),
        node("Pad", "x p", "y"),
        node("Slice", "y a b", "q"),
        node("Add", "q c", "z"),
    ]
    weights = {"s": np.array([1, 1]), "p": np.array([0, 1, 0, 1]), "a": np.array([0]), "b": np.array([9])}
    yield graph(grown, weights=weights, inputs=[("x", FLOAT, [1, 4])])


def test_mutated_files_are_read_or_refused():
    contents = [model.SerializeToString() for model in seeds()]
    draws = random.Random(0)
    for _ in range(150):
        content = bytearray(draws.choice(contents))
        for _ in range(draws.choice([1, 1, 2, 8])):
            content[draws.randrange(len(content))] = draws.randrange(256)
        content = content[: draws.choice([len(content), draws.randrange(len(content))])]
        with contextlib.suppress(FiberscopeError):
            module, shape = open_onnx(bytes(content))
            LatentMap(module, shape or (4,))


def test_names_that_are_no_text_are_refused():
    content = small(value="hhhh").SerializeToString()
    assert "a name that is no text" in refusal(content.replace(b"hhhh", b"\xff\xfe\xff\xfe"))


def test_a_file_of_another_kind_at_its_path_is_refused(tmp_path):
    folder = tmp_path / "net.onnx"
    folder.mkdir()
    with pytest.raises(ModelError, match="does not exist; check the path"):
        load_onnx(folder)
    onnx.save(small(), tmp_path / "whole.onnx")
    assert load_onnx(tmp_path / "whole.onnx")(draw(2, 4)).shape == (2, 3)
