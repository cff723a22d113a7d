"""No size that an ONNX file declares is allocated before it is held to a bound; no file outside its folder is read."""

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from fiberscope.models.onnx import limits, read
from fiberscope.models.onnx_file import load_onnx
from fiberscope.problem.errors import ModelError
from onnx_graphs import FLOAT, array, draw, graph, node, refusal, small

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
    monkeypatch.setattr(limits, "LIMIT", 2**26)
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
    for module in (limits, read):
        monkeypatch.setattr(module, "LIMIT", 2**22)
    empty = b"\x3a" + _varint(2 * 10**5) + b"\x0a\x00" * 10**5  # operators without a word
    with pytest.raises(ModelError, match="reading its ONNX graph takes"):
        read.read(empty)
    assert read.read(small().SerializeToString()).graph.node


def _varint(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def test_the_reading_of_sizes_leaves_large_files_as_they_are(monkeypatch):
    monkeypatch.setattr(limits, "LIMIT", 2**26)
    model = graph([node("MatMul", "x w", "z")], weights={"w": array(4, 2**18)})
    assert load_onnx(model.SerializeToString())(draw(1, 4)).shape == (1, 2**18)
