"""No string of an ONNX file reaches generated code, no declared size is allocated before it is held to a bound."""

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

from fiberscope.models import onnx_limits, onnx_read
from fiberscope.models.onnx_file import load_onnx, open_onnx
from fiberscope.problem import FiberscopeError, LatentMap
from fiberscope.problem.errors import ModelError
from onnx_graphs import FLOAT, array, draw, graph, node

CODE = 'x")\rimport os\ros.abort()\rdef forward(self):\r    q = ("'
STRANGE = [CODE, "", "a b", "été", "class", "__init__", "forward", "training", "_modules", "graph", "code", "constants"]
STRANGE += ["9", "x\x1b[31m", "../x", "a" * 5000, "ﬁ", "self", "None"]


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


# weights in other files


def kept_outside(folder, **entries):
    model = small()
    tensor = model.graph.initializer[0]
    (folder / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "weights.bin", **entries}.items():
        tensor.external_data.add(key=key, value=value)
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return folder / "net.onnx"


def test_weights_beside_the_file_are_read(tmp_path):
    loaded = load_onnx(kept_outside(tmp_path, offset="0", length="48"))
    torch.testing.assert_close(loaded(draw(2, 4)), (draw(2, 4) @ torch.tensor(array(4, 3))).relu())


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"location": "/etc/passwd"}, "not inside the model's folder"),
        ({"location": "../weights.bin"}, "not inside the model's folder"),
        ({"location": ""}, "not inside the model's folder"),
        ({"location": "link.bin"}, "a link that leads out"),
        ({"location": "none.bin"}, "lacks a file, 'none.bin'; copy the files of its weights beside it"),
        ({"offset": "-8"}, "wanted a number of bytes"),
        ({"offset": "99999999999999"}, "of a file of 48"),
        ({"length": "12"}, "sizes and type need 48 bytes"),
        ({"run": "this"}, "wanted location, offset and length"),
    ],
    ids=str,
)
def test_weights_outside_the_folder_or_of_another_size_are_refused(tmp_path, entries, told):
    (tmp_path / "folder").mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(48))
    (tmp_path / "folder" / "link.bin").symlink_to(tmp_path / "weights.bin")
    path = kept_outside(tmp_path / "folder", **entries)
    with pytest.raises(ModelError, match=told):
        load_onnx(path)
    with pytest.raises(ModelError, match="bytes have no folder"):
        load_onnx(path.read_bytes())


# sizes


def adding(nodes, weights, constant="c"):
    """A graph that adds the sum of a constant to its images."""
    last = [node("ReduceSum", constant, "sum", keepdims=0), node("Add", "x sum", "z")]
    return graph([*nodes, *last], weights=weights)


def doubling(kind):
    steps = [f"t{place}" for place in range(60)]
    inputs = [f"{name} {name if kind == 'Concat' else 'two'}" for name in steps]
    options = {"axis": 0} if kind == "Concat" else {}
    nodes = [node(kind, given, name, **options) for given, name in zip(inputs, steps[1:], strict=False)]
    return adding(nodes, {"t0": np.ones(1, np.float32), "two": np.array([2])}, steps[-1])


ONE = np.ones((1, 1), np.float32)
LONG = np.ones((1, 100_000), np.float32)
BOMBS = {
    "ConstantOfShape": adding([node("ConstantOfShape", "s", "c")], {"s": np.array([200_000, 200_000])}),
    "Range": adding([node("Range", "a b d", "c")], {"a": np.float32(0), "b": np.float32(1e11), "d": np.float32(1)}),
    "Expand": adding([node("Expand", "one s", "c")], {"one": ONE, "s": np.array([200_000, 200_000])}),
    "Pad": adding([node("Pad", "one p", "c")], {"one": ONE, "p": np.array([0, 0, 10**6, 10**6])}),
    "EyeLike": adding(
        [node("Expand", "one s", "e"), node("EyeLike", "e", "c")], {"one": ONE, "s": np.array([10**5, 10**5])}
    ),
    "OneHot": adding(
        [node("OneHot", "i d v", "c")],
        {"i": np.zeros(99, np.int64), "d": np.array(10**9), "v": np.zeros(2, np.float32)},
    ),
    "Gather": adding([node("Gather", "w i", "c")], {"w": LONG, "i": np.zeros(10**5, np.int64)}),
    "Add": adding([node("Add", "w v", "c")], {"w": LONG, "v": LONG.T}),
    "MatMul": adding([node("MatMul", "v w", "c")], {"w": LONG, "v": LONG.T}),
    "Einsum": adding([node("Einsum", "v w", "c", equation="ij,jk->ik")], {"w": LONG, "v": LONG.T}),
    "Resize": adding(
        [helper.make_node("Resize", ["one", "", "s"], ["c"])],
        {"one": ONE[None, None], "s": np.array([1, 1, 1e5, 1e5], np.float32)},
    ),
    "operands that are repeated": adding(
        [node("MatMul", "a b", "c")],
        {"a": np.ones((1, 400, 400), np.float32), "b": np.ones((1000, 400, 1), np.float32)},
    ),
    "a pass": graph(
        [node("Expand", "x s", "c"), node("ReduceSum", "c axis", "z")],
        weights={"s": np.array([10**9, 1, 4]), "axis": np.array([0])},
    ),
    "an image": graph([node("Relu", "x", "z")], inputs=[("x", FLOAT, [1, 10**6, 10**6])]),
}


@pytest.mark.parametrize(
    "model", [*BOMBS.values(), doubling("Concat"), doubling("Tile")], ids=[*BOMBS, "Concat", "Tile"]
)
def test_what_takes_more_memory_than_the_limit_is_refused_before_it_is_computed(model, monkeypatch):
    monkeypatch.setattr(onnx_limits, "LIMIT", 2**26)
    assert "GiB, wanted at most 0.0625 GiB" in refusal(model)


def test_padding_and_kernels_count_too():
    images = [("x", FLOAT, ["batch", 1, 4, 4])]
    weights = {"w": array(1, 1, 3, 3)}
    far = [node("Conv", "x w", "z", pads=[10**6, 10**6, 10**6 + 1, 10**6 + 1], strides=[10**6, 10**6])]
    assert "GiB, wanted at most 1 GiB" in refusal(graph(far, weights=weights, inputs=images))
    large = [node("Conv", "x w", "z", kernel_shape=[10**5, 10**5], pads=[10**4] * 4)]
    assert refusal(graph(large, weights=weights, inputs=images))
    wide = [node("LRN", "x", "z", size=2**31 - 1)]
    assert "GiB, wanted at most 1 GiB" in refusal(graph(wide, inputs=images))


def test_files_that_unfold_are_refused_before_they_are_read(monkeypatch):
    for module in (onnx_limits, onnx_read):
        monkeypatch.setattr(module, "LIMIT", 2**22)
    empty = b"\x3a" + _varint(2 * 10**5) + b"\x0a\x00" * 10**5  # operators without a word
    with pytest.raises(ModelError, match="reading its ONNX graph takes"):
        onnx_read.read(empty)
    assert onnx_read.read(small().SerializeToString()).graph.node


def _varint(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def test_the_reading_of_sizes_leaves_large_files_as_they_are(monkeypatch):
    monkeypatch.setattr(onnx_limits, "LIMIT", 2**26)
    model = graph([node("MatMul", "x w", "z")], weights={"w": array(4, 2**18)})
    assert load_onnx(model.SerializeToString())(draw(1, 4)).shape == (1, 2**18)


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
