"""Operators that have a module of our own, and precisions: what ONNX Runtime makes of them."""

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from fiberscope.models.chunks import Chunked, any_batch
from fiberscope.models.onnx_file import load_onnx, open_onnx
from fiberscope.problem.errors import ModelError
from onnx_graphs import DOUBLE, FLOAT, array, assert_equal_to_runtime, draw, graph, node, runtime

SIGNED = draw(5, 4) * 6 - 3


@pytest.mark.parametrize(
    ("kind", "opset", "attributes"),
    [
        ("Gelu", 20, {}),
        ("Gelu", 20, {"approximate": "tanh"}),
        ("Mish", 18, {}),
        ("ThresholdedRelu", 17, {}),
        ("ThresholdedRelu", 17, {"alpha": 0.25}),
        ("LpNormalization", 17, {}),
        ("LpNormalization", 17, {"p": 1, "axis": 1}),
        ("LpNormalization", 17, {"p": 2, "axis": -1}),
    ],
    ids=str,
)
def test_operators_that_the_converter_lacks_are_those_of_runtime(kind, opset, attributes):
    assert_equal_to_runtime(graph([node(kind, "x", "z", **attributes)], opset=opset), SIGNED)


def test_a_vector_of_zeros_has_no_direction_and_stays_zero():
    zeros = torch.zeros(1, 4, requires_grad=True)
    found = load_onnx(graph([node("LpNormalization", "x", "z")]).SerializeToString())(zeros)
    (slope,) = torch.autograd.grad(found.sum(), zeros)
    assert bool((found == 0).all())
    assert bool(slope.isfinite().all())


def doubled(nodes, weights, inputs=(("x", DOUBLE, ["batch", 4]),)):
    return graph(nodes, weights=weights, inputs=inputs, outputs=[("z", DOUBLE)])


def test_a_graph_in_double_keeps_its_digits():
    weights = {"w": array(4, 3).astype(np.float64) / 3, "b": np.array([1 / 3, 2 / 3, 0.1])}
    model = doubled([node("Gemm", "x w b", "h"), node("Tanh", "h", "z")], weights)
    images = draw(5, 4).double() / 7
    loaded = load_onnx(model.SerializeToString())
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float64}
    np.testing.assert_allclose(loaded(images), runtime(model, images), rtol=1e-12)


def test_a_graph_with_double_weights_between_floats_keeps_their_digits():
    # in one dtype throughout, so the numbers are those of a graph that is in double everywhere
    weights = {"w": array(4, 3).astype(np.float64) / 3}
    nodes = [node("Cast", "x", "wide", to=DOUBLE), node("MatMul", "wide w", "y"), node("Cast", "y", "z", to=FLOAT)]
    loaded = load_onnx(graph(nodes, weights=weights).SerializeToString())
    images = draw(5, 4).double() / 7
    np.testing.assert_allclose(loaded.double()(images), images.numpy() @ weights["w"], rtol=1e-12)


def test_doubles_that_single_precision_holds_leave_a_graph_in_single():
    nodes = [node("Cast", "half_wide", "half", to=FLOAT), node("Mul", "x half", "z")]
    loaded = load_onnx(graph(nodes, weights={"half_wide": np.array(0.1)}).SerializeToString())
    torch.testing.assert_close(loaded(SIGNED), SIGNED * np.float32(0.1))


def test_numbers_that_are_made_in_a_pass_have_the_precision_of_the_network():
    value = numpy_helper.from_array(np.array([0.1]))
    nodes = [
        node("Shape", "x", "shape"),
        node("ConstantOfShape", "shape", "tenths", value=value),
        node("Cast", "shape", "sizes", to=DOUBLE),
        node("ReduceMax", "sizes", "most", keepdims=0),
        node("Mul", "x most", "scaled"),
        node("Add", "scaled tenths", "z"),
    ]
    images = draw(5, 4).double()
    torch.testing.assert_close(
        load_onnx(doubled(nodes, {}).SerializeToString())(images), images * 5 + 0.1, rtol=1e-14, atol=0
    )


# batches


def test_no_images_give_no_rows_of_the_right_shape():
    for inputs, nodes in (
        ([("x", FLOAT, ["batch", 4])], [node("MatMul", "x w", "z")]),
        ([("x", FLOAT, [2, 4])], [node("Reshape", "x flat", "all"), node("Reshape", "all back", "z")]),
    ):
        weights = {"w": array(4, 4), "flat": np.array([8]), "back": np.array([2, 4])}
        loaded = load_onnx(graph(nodes, weights=weights, inputs=inputs).SerializeToString())
        assert loaded(draw(0, 4)).shape == (0, 4)
    assert isinstance(loaded, Chunked)


def test_a_module_that_fails_at_one_size_does_not_take_any():
    class Failing(torch.nn.Module):
        def forward(self, images):
            raise KeyError("anything")

    assert not any_batch(Failing(), (4,))


def test_a_graph_that_cannot_run_at_all_is_refused_when_it_is_opened():
    # sizes that no reshape of 4 numbers has, hidden from the inference of shapes by the batch
    nodes = [node("Shape", "x", "shape"), node("Mul", "shape three", "more"), node("Reshape", "x more", "z")]
    with pytest.raises(ModelError, match=r"a pass over an image \(4,\) fails"):
        open_onnx(graph(nodes, weights={"three": np.array([1, 3])}).SerializeToString())


def test_what_runtime_takes_in_any_order_is_put_in_order():
    model = graph([node("Relu", "h", "z"), node("Tanh", "x", "h")])
    torch.testing.assert_close(load_onnx(model.SerializeToString())(SIGNED), SIGNED.tanh().relu())


def test_weights_that_are_quantised_when_the_graph_is_made_become_floats():
    nodes = [node("QuantizeLinear", "w s o", "q"), node("DequantizeLinear", "q s o", "f"), node("MatMul", "x f", "z")]
    model = graph(nodes, weights={"w": array(4, 3), "s": np.float32(0.25), "o": np.int8(0)})
    rounded = torch.tensor(array(4, 3) * 4).round() / 4
    torch.testing.assert_close(load_onnx(model.SerializeToString())(SIGNED), SIGNED @ rounded)


def test_arithmetic_on_shapes_may_round():
    nodes = [
        node("Shape", "x", "shape"),
        node("Cast", "shape", "sizes", to=FLOAT),
        node("Floor", "sizes", "whole"),
        node("Cast", "whole", "again", to=TensorProto.INT64),
        node("Reshape", "x again", "z"),
    ]
    assert_equal_to_runtime(graph(nodes), SIGNED)


@pytest.mark.parametrize("kind", ["Sign", "Round", "Floor", "Ceil"])
def test_outputs_that_are_steps_are_refused(kind):
    model = graph([node("MatMul", "x w", "h"), node(kind, "h", "z")], weights={"w": array(4, 3)})
    with pytest.raises(ModelError, match=rf"rounds what it computes \({kind}\).*Take an output before that step"):
        load_onnx(model.SerializeToString())
    # what else is in the graph counts only where the output needs it
    both = graph(
        [node("MatMul", "x w", "h"), node(kind, "h", "z")],
        weights={"w": array(4, 3)},
        outputs=[("z", FLOAT), ("h", FLOAT)],
    )
    torch.testing.assert_close(load_onnx(both.SerializeToString(), "h")(SIGNED), SIGNED @ torch.tensor(array(4, 3)))


def test_outputs_behind_comparisons_and_whole_numbers_are_refused():
    weights = {"zero": np.float32(0), "one": np.float32(1)}
    steps = [node("Greater", "x zero", "g"), node("Where", "g one zero", "z")]
    whole = [node("Cast", "x", "i", to=TensorProto.INT64), node("Cast", "i", "z", to=FLOAT)]
    for nodes, told in ((steps, "Greater"), (whole, "Cast"), ([node("ArgMax", "x", "z", axis=1)], "ArgMax")):
        with pytest.raises(ModelError, match=rf"rounds what it computes \({told}\)"):
            load_onnx(graph(nodes, weights=weights).SerializeToString())
    chosen = [node("Greater", "x zero", "g"), node("Where", "g x zero", "z")]
    assert_equal_to_runtime(graph(chosen, weights=weights), SIGNED)


def test_an_output_that_is_the_same_for_every_image_is_refused():
    nodes = [node("Shape", "x", "shape"), node("Cast", "shape", "z", to=FLOAT)]
    with pytest.raises(ModelError, match="is the same for every image"):
        load_onnx(graph(nodes).SerializeToString())


def test_sizes_that_depend_on_what_is_in_an_image_are_refused():
    nodes = [
        node("ReduceMax", "x", "most", keepdims=0),
        node("Cast", "most", "count", to=TensorProto.INT64),
        node("Reshape", "count one", "shape"),
        node("Expand", "x shape", "z"),
    ]
    with pytest.raises(ModelError, match="Expand of its ONNX graph makes as many numbers as what is in an image says"):
        load_onnx(graph(nodes, weights={"one": np.array([1])}).SerializeToString())


def test_loops_and_functions_of_the_file_are_refused_with_the_remedy():
    inner = helper.make_graph([node("Relu", "x", "q")], "inner", [], [helper.make_tensor_value_info("q", FLOAT, None)])
    chosen = node("If", "always", "z", then_branch=inner, else_branch=inner)
    with pytest.raises(ModelError, match=r"graphs inside it \(If\).*without if and loop"):
        load_onnx(graph([chosen], weights={"always": np.array(True)}).SerializeToString())
    model = graph([node("Relu", "x", "z")])
    body = [helper.make_node("Tanh", ["a"], ["b"])]
    model.functions.append(helper.make_function("", "Relu", ["a"], ["b"], body, [helper.make_opsetid("", 17)]))
    with pytest.raises(ModelError, match=r"functions of the file's own \('Relu'\).*inline_local_functions"):
        load_onnx(model.SerializeToString())
