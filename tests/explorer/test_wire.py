"""A message comes apart into the header and the arrays that it was made of, at places that a browser can read."""

import json
import math
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fiberscope.explorer.wire import Answer, decode, encode, finite

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.none() | st.booleans() | numbers | words
shapes = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
floats = arrays.arrays(np.float32, shapes, elements=st.floats(width=32))
bytes_ = arrays.arrays(np.uint8, shapes)
names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)


def by_hand(message):
    """The header and the payload, as the protocol has it."""
    (length,) = struct.unpack("<I", message[:4])
    return json.loads(message[4 : 4 + length].decode("utf-8")), message[4 + length :], length


@settings(deadline=None)
@given(
    st.dictionaries(words.filter(lambda word: word not in ("type", "id", "arrays")), values, max_size=4),
    st.dictionaries(names, floats | bytes_, max_size=4),
    st.none() | st.integers(0, 2**53),
)
def test_what_goes_in_comes_out_and_starts_at_multiples_of_eight(fields, given_arrays, identity):
    message = encode(Answer("frame", fields, given_arrays), identity)
    header, found = decode(message)
    by_itself, payload, length = by_hand(message)
    assert header == by_itself
    assert header == {"type": "frame", "id": identity, **fields, "arrays": header["arrays"]}
    assert (4 + length) % 8 == 0
    assert found.keys() == given_arrays.keys()
    for name, array in given_arrays.items():
        place = header["arrays"][name]
        assert place["offset"] % 8 == 0
        assert place["shape"] == list(array.shape)
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
        assert payload[place["offset"] :][: array.nbytes] == array.tobytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_tensors_of_any_kind_of_number_travel_as_float32(dtype):
    tensor = torch.linspace(0, 1, 12).to(dtype).reshape(3, 4)
    header, arrays_ = decode(encode(Answer("frame", {}, {"image": tensor.T}), 1))
    assert header["arrays"]["image"] == {"dtype": "f32", "shape": [4, 3], "offset": 0}
    np.testing.assert_array_equal(arrays_["image"], tensor.T.float().numpy())


def test_bytes_travel_as_bytes_and_gradients_stay_here():
    grey = torch.arange(10, dtype=torch.uint8)
    header, arrays_ = decode(encode(Answer("a", {}, {"grey": grey, "w": torch.ones(2, requires_grad=True)}), None))
    assert header["arrays"]["grey"]["dtype"] == "u8"
    assert header["arrays"]["w"]["offset"] == 16
    np.testing.assert_array_equal(arrays_["grey"], grey.numpy())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_header_without_words_for_nan_and_infinity_is_refused(value):
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(Answer("frame", {"residual": value}), 1)
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(Answer("frame", {"list": [1.0, {"deep": value}]}), 1)
    assert finite(value) is None


def test_finite_numbers_are_themselves():
    assert [finite(value) for value in (0.0, -1.5, 1e300)] == [0.0, -1.5, 1e300]


def test_arrays_may_hold_what_a_header_may_not():
    _, found = decode(encode(Answer("frame", {}, {"latent": torch.tensor([math.nan, math.inf])}), 1))
    np.testing.assert_array_equal(found["latent"], np.array([math.nan, math.inf], np.float32))


@pytest.mark.parametrize("text", ["a\ud800b", "\x00", "é", "💡", '"\\'])
def test_any_text_travels(text):
    assert decode(encode(Answer("error", {"message": text}), None))[0]["message"] == text


def test_a_single_number_has_no_shape():
    header, found = decode(encode(Answer("frame", {}, {"one": torch.tensor(2.0)}), 1))
    assert header["arrays"]["one"]["shape"] == []
    assert found["one"].shape == ()
