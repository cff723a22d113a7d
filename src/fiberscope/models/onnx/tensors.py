"""The numbers of ONNX tensors, whose declared sizes are held against their data before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper

from fiberscope.models.onnx.external import read_external, size_of_files
from fiberscope.models.onnx.limits import quote, refuse_beyond, tell
from fiberscope.problem.errors import ModelError

_BITS: dict[int, int] = {
    TensorProto.FLOAT: 32,
    TensorProto.DOUBLE: 64,
    TensorProto.FLOAT16: 16,
    TensorProto.BFLOAT16: 16,
    TensorProto.BOOL: 8,
    **dict.fromkeys((TensorProto.INT8, TensorProto.UINT8), 8),
    **dict.fromkeys((TensorProto.INT16, TensorProto.UINT16), 16),
    **dict.fromkeys((TensorProto.INT32, TensorProto.UINT32), 32),
    **dict.fromkeys((TensorProto.INT64, TensorProto.UINT64), 64),
    **dict.fromkeys((TensorProto.INT4, TensorProto.UINT4), 4),
}
NUMBERS = frozenset(_BITS)
"""The types of numbers that are read."""

_FIELDS = ("float_data", "double_data", "int32_data", "int64_data", "uint64_data")
_DEEPEST = 32  # axes of an array of numpy


def arrays_of(tensors: Mapping[str, TensorProto], folder: Path | None) -> dict[str, np.ndarray]:
    """The numbers of tensors by name, those in other files too; raises ModelError as `array_of` does."""
    outside = [tensor for tensor in tensors.values() if tensor.data_location == TensorProto.EXTERNAL]
    needed = sum(_count_bytes(tensor) for tensor in outside)
    refuse_beyond(needed - size_of_files(outside, folder), "reading")  # many tensors may point to the same bytes
    return {name: array_of(tensor, folder) for name, tensor in tensors.items()}


def array_of(tensor: TensorProto, folder: Path | None = None) -> np.ndarray:
    """The numbers of a tensor; raises ModelError where they are no numbers, or not as many as its sizes say."""
    size = _count_bytes(tensor)
    whole = tensor
    if tensor.data_location == TensorProto.EXTERNAL:
        content = read_external(tensor, size, folder)
        whole = TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type, raw_data=content)
    _check_size(whole, size)
    try:
        return numpy_helper.to_array(whole)
    except Exception as error:  # of numbers beyond their type
        raise ModelError(
            f"model: {_name(tensor)} of its ONNX graph is damaged ({tell(error)}); copy it again"
        ) from error


def _count_bytes(tensor: TensorProto) -> int:
    if tensor.data_type not in _BITS:
        kinds = {value: key.lower() for key, value in TensorProto.DataType.items()}
        found = kinds.get(tensor.data_type, f"numbers of an unknown type {tensor.data_type}")
        raise ModelError(
            f"model: {_name(tensor)} of its ONNX graph holds {found}, wanted floats of 16 bits or more, integers or "
            "truth values; export it again with these, or give the network itself as file.py:factory"
        )
    if any(size < 0 for size in tensor.dims) or len(tensor.dims) > _DEEPEST:
        raise ModelError(
            f"model: {_name(tensor)} of its ONNX graph has sizes {_sizes(tensor)}, wanted at most {_DEEPEST} and none "
            "below zero; it is damaged: copy or export it again"
        )
    return (math.prod(map(int, tensor.dims)) * _BITS[tensor.data_type] + 7) // 8


def _name(tensor: TensorProto) -> str:
    return f"tensor {quote(tensor.name)}" if tensor.name else "a constant"


def _sizes(tensor: TensorProto) -> str:
    return ", ".join(str(size) for size in tensor.dims[:8])


def _check_size(tensor: TensorProto, size: int) -> None:
    """Refuse a tensor that does not hold the numbers that its sizes ask for, in one field."""
    fields = {field: len(getattr(tensor, field)) for field in _FIELDS if len(getattr(tensor, field))}
    if tensor.HasField("segment") or tensor.string_data or len(fields) + bool(tensor.raw_data) > 1:
        raise ModelError(
            f"model: {_name(tensor)} of its ONNX graph has its numbers in several fields, wanted one; export it again"
        )
    if tensor.raw_data or not fields:
        found, wanted, unit = len(tensor.raw_data), size, "bytes"
    else:
        packed = tensor.data_type in (TensorProto.INT4, TensorProto.UINT4)
        found, wanted, unit = next(iter(fields.values())), size if packed else math.prod(tensor.dims), "numbers"
    if found != wanted:
        raise ModelError(
            f"model: {_name(tensor)} of its ONNX graph has sizes {_sizes(tensor)}, so {wanted} {unit}, and the file "
            f"holds {found}; it is damaged: copy or export it again"
        )
