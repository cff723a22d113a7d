"""Stored tensors of an exported program: their names, and shapes that lie within what the file holds of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fiberscope.models.exported.graph import KIND, ON_CPU, STRIDED
from fiberscope.models.exported.names import layer_name
from fiberscope.models.exported.sizes import LARGEST
from fiberscope.models.json_rules import Refused, flag, many, one_of, record, shown, table, whole

# bytes of a number, by torch's numbers for its kinds
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 2, 7: 4, 8: 8, 9: 4, 10: 8, 11: 16, 12: 1, 13: 2}


def clean_payload(found: object, sizes: Mapping[str, int]) -> dict[str, Any]:
    """The names of stored tensors with their shapes; each has to lie within its record, of `sizes` bytes."""
    config: dict[str, Any] = _PAYLOAD(found)
    for entry in config["config"].values():
        _refuse_beyond_record(entry, sizes)
    return config


def _refuse_beyond_record(entry: dict[str, Any], sizes: Mapping[str, int]) -> None:
    meta, stored = entry["tensor_meta"], sizes.get(entry["path_name"])
    if stored is None:
        raise Refused(f"{entry['path_name']} is missing")
    shape, strides = ([each["as_int"] for each in meta[name]] for name in ("sizes", "strides"))
    width = _BYTES[meta["dtype"]]
    if len(shape) != len(strides) or stored % width:
        raise Refused(f"{entry['path_name']} is of {stored} bytes, and its shape {shown(shape)} does not fit")
    count, last = 1, meta["storage_offset"]["as_int"]
    for side, stride in zip(shape, strides, strict=True):
        count, last = count * side, last + (side - 1) * stride
    if count > stored // width or (count and last >= stored // width):
        raise Refused(f"{entry['path_name']} has {stored // width} numbers, and its shape {shown(shape)} wants others")


def _record_name(found: Any) -> str:
    if not isinstance(found, str) or not re.fullmatch(r"(weight|tensor)_[0-9]{1,9}", found):
        raise Refused(f"{shown(found)} is no tensor")
    return found


def _no_pickle(found: Any) -> bool:
    if found is not False:
        raise Refused("a tensor is a pickle")
    return False


_FIXED = one_of({"as_int": whole(0, LARGEST)})
_PAYLOAD = record(
    {
        "config": table(
            layer_name,
            record(
                {
                    "use_pickle": _no_pickle,
                    "path_name": _record_name,
                    "is_param": flag,
                    "tensor_meta": record(
                        {"dtype": KIND, "sizes": many(_FIXED), "strides": many(_FIXED), "storage_offset": _FIXED,
                         "layout": STRIDED, "requires_grad": flag, "device": ON_CPU}
                    ),
                }
            ),
        )
    }
)  # fmt: skip
