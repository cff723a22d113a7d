"""Whether an exported program holds tensors and torch's own operators alone.

torch.export.load by itself unpickles what a file asks it to, and opens compiled libraries in it. So the archive is
looked through before, by the reader that it will be read with.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

from fiberscope.problem.errors import ModelError

_PLACES = re.compile(
    r"(data/(weights|constants)/(\w+_config\.json|weight_\d+|tensor_\d+)|models/\w+\.json|data/sample_inputs/\w+\.pt"
    r"|extra/.*|\.data/\w+|byteorder|archive_(format|version)|version)"
)
_OPERATORS = re.compile(r"(torch\.ops\.(aten|higher_order|prims)\.(?!from_file)|_operator\.|math\.|torch\.sym_)[\w.]+")
# numbers, sizes such as s0, quoted or not, sympy's own names, and assumptions such as positive=True
_EXPRESSION = re.compile(r"([\s\d+*/%(),<>=.-]|'[a-z]+\d+'|\b([a-z]+\d+|[A-Z]\w*|[a-z]+(?==(True|False)))\b)*")
_REMEDY = "read it where you trust it, or give the network as file.py:factory with its weights as .safetensors"


def refuse_what_could_run_code(path: Path) -> None:
    """Raise ModelError where the file is no exported program, or holds pickles, libraries or foreign operators."""
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        names = list(reader.get_all_records())
        records = {name: bytes(reader.get_record(name)) for name in names if name.endswith((".json", ".pt"))}
    except RuntimeError as error:
        raise ModelError(
            f"model {path} is truncated or no exported program ({str(error).splitlines()[0]}); copy it again. A state "
            "dict is no network: give it as --weights beside file.py:factory"
        ) from error
    if not any(name.startswith("models/") for name in names):
        raise ModelError(
            f"model {path} holds no exported program of this version of torch. A state dict is no network: give it as "
            "--weights beside file.py:factory; a program of an older version has to be exported again"
        )
    for reason in _reasons(names, records):
        raise ModelError(f"model {path} could run code that it brings ({reason}), so it is refused; {_REMEDY}")


def _reasons(names: list[str], records: dict[str, bytes]) -> Iterator[str]:
    for name in names:
        if not _PLACES.fullmatch(name):
            yield f"{name} is no tensor and no graph"
    for name, content in records.items():
        yield from _pickles(name, content) if name.endswith(".pt") else _foreign(name, json.loads(content))


def _pickles(name: str, content: bytes) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.load(io.BytesIO(content), weights_only=True)
    except Exception as error:  # of the unpickler, whatever it trips over
        yield f"{name} holds more than tensors: {type(error).__name__}"


def _foreign(name: str, found: object, key: str = "") -> Iterator[str]:
    match found:
        case dict():
            if found.get("use_pickle"):
                yield f"{name} names a pickle"
            for inner, value in found.items():
                yield from _foreign(name, value, str(inner))
        case list():
            for value in found:
                yield from _foreign(name, value, key)
        case str():
            if key == "target" and not (_OPERATORS.fullmatch(found) or found.isidentifier()):
                yield f"operator {found!r} is none of torch's own"
            if key == "name" and not found.replace(".", "_").isidentifier() and found:
                yield f"name {found[:40]!r} is no name"
            if key == "expr_str" and not _EXPRESSION.fullmatch(found):
                yield f"size {found[:40]!r} is no arithmetic"
