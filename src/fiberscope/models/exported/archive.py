"""An exported program from elsewhere, written anew with nothing in it that could run code.

torch.export.load is made for files that one trusts. In torch 2.13 it unpickles weights and constants that say so, and
sample inputs that are more than tensors; opens libraries below data/aotinductor; takes an old format, a pickle, where
the new one fails; finds operators by walking attributes from `torch`, `math` and `operator`, in targets and in the
metadata `source_fn_stack` and `from_node`; hands sizes (`expr_str`, ranges) to sympy.sympify, which evaluates them;
resolves classes of containers by name (`in_spec`, `out_spec`), verifiers and custom objects likewise; takes views of
tensors by sizes, strides and offsets of the file; generates Python from names of values, arguments and layers
(torch.fx), from guards (`guards_code`) and from what containers hold; and makes attribute paths of names of layers,
weights, buffers and constants.

So torch never reads the file. Its archive and its JSON are read here, once, and a new archive is written: of each
entry what the rules in graph.py allow, names of values renamed, everything that only describes left out.
"""

from __future__ import annotations

import json
import pickletools
import re
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fiberscope.models.exported.graph import clean_program
from fiberscope.models.exported.payload import clean_payload
from fiberscope.models.json_rules import Refused, shown
from fiberscope.problem.errors import ModelError

_PLACES = re.compile(
    r"(data/(weights|constants)/(\w+_config\.json|weight_\d+|tensor_\d+)|models/\w+\.json|data/sample_inputs/\w+\.pt"
    r"|extra/.*|\.data/\w+|byteorder|archive_(format|version)|version)",
    re.ASCII,
)
_REMEDY = "read it where you trust it, or give the network as file.py:factory with its weights as .safetensors"
_AGAIN = "a program of an older version has to be exported again"
_IN_MEMORY = 2**28  # bytes; a larger archive is written to a temporary file
_MOST_TEXT, _MOST_VALUES = 2**26, 2**22  # bytes of a JSON and values in it, which bound what it takes in memory
_TENSORS_ALONE = frozenset(
    {
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch._tensor _rebuild_from_type_v2",
        "collections OrderedDict",
        "torch device",
        "torch Size",
        *(f"torch {kind}Storage" for kind in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char")),
        *(f"torch {kind}Storage" for kind in ("Byte", "Bool")),
    }
)
_BROKEN = (
    zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, NotImplementedError, OverflowError, struct.error,
    MemoryError,
)  # fmt: skip


class _Program(NamedTuple):
    archive: zipfile.ZipFile
    records: Mapping[str, zipfile.ZipInfo]
    name: str


def write_anew(path: Path) -> tempfile.SpooledTemporaryFile[bytes]:
    """The program of the file in an archive of our own, for torch.export; raises ModelError where it is refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            program = _find(path, archive)
            try:
                return _write(program)
            except Refused as refusal:
                raise ModelError(
                    f"model {path} could run code that it brings, or is damaged ({refusal}): it is refused; {_REMEDY}"
                ) from refusal
    except ModelError:
        raise
    except _BROKEN as error:
        raise ModelError(
            f"model {path} is truncated or no exported program ({type(error).__name__}); copy it again. A state dict "
            "is no network: give it as --weights beside file.py:factory"
        ) from error


def _find(path: Path, archive: zipfile.ZipFile) -> _Program:
    records = {}
    for info in archive.infolist():
        name = info.filename.partition("/")[2]
        if name in records:
            raise ModelError(f"model {path} is damaged: it holds {shown(name)} twice; copy it again")
        records[name] = info
    names = [name.removeprefix("models/").removesuffix(".json") for name in records if name.startswith("models/")]
    if not names:
        raise ModelError(
            f"model {path} holds no exported program of this version of torch. A state dict is no network: give it as "
            f"--weights beside file.py:factory; {_AGAIN}"
        )
    if len(names) > 1 and "model" not in names:
        raise ModelError(f"model {path} holds {len(names)} programs; save the one alone that you want to explore")
    return _Program(archive, records, "model" if "model" in names else names[0])


def _write(program: _Program) -> tempfile.SpooledTemporaryFile[bytes]:
    for name, info in program.records.items():
        if not _PLACES.fullmatch(name):
            raise Refused(f"{shown(name)[1:-1]} is no tensor and no graph")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise Refused(f"{name} is packed")
    if program.records.keys() & {"byteorder"} and _read(program, "byteorder") != b"little":
        raise Refused("its numbers are not little-endian")
    for name in program.records:
        if name.startswith("data/sample_inputs/"):
            with program.archive.open(program.records[name]) as content, zipfile.ZipFile(content) as inner:
                _refuse_other_pickles(name, inner)
    graph = clean_program(_json(program, f"models/{program.name}.json"))
    payloads = {}
    for folder in ("weights", "constants"):
        name = f"data/{folder}/{program.name}_{folder}_config.json"
        sizes = {
            found.removeprefix(f"data/{folder}/"): info.file_size
            for found, info in program.records.items()
            if found.startswith(f"data/{folder}/")
        }
        payloads[folder] = clean_payload(_json(program, name), sizes)
    return _copy(program, graph, payloads)


def _copy(
    program: _Program, graph: dict[str, Any], payloads: Mapping[str, dict[str, Any]]
) -> tempfile.SpooledTemporaryFile[bytes]:
    version = _read(program, "archive_version")
    if not re.fullmatch(rb"[0-9]{1,4}", version):
        raise Refused(f"archive_version is {shown(version)}")
    plain = {"archive_format": "pt2", "archive_version": version.decode(), "byteorder": "little", ".data/version": "3"}
    texts = {
        **plain,
        "models/model.json": json.dumps(graph),
        **{f"data/{name}/model_{name}_config.json": json.dumps(config) for name, config in payloads.items()},
        "data/sample_inputs/model.pt": "",
    }
    copy = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (torch reads it)
    try:
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as archive:
            for folder, config in payloads.items():
                for name in {entry["path_name"]: None for entry in config["config"].values()}:
                    _copy_record(program, f"data/{folder}/{name}", archive)
            for name, text in texts.items():
                archive.writestr(f"program/{name}", text)
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy


def _copy_record(program: _Program, name: str, archive: zipfile.ZipFile) -> None:
    with (
        program.archive.open(program.records[name]) as source,
        archive.open(f"program/{name}", "w", force_zip64=True) as target,
    ):
        shutil.copyfileobj(source, target, 2**20)


def _json(program: _Program, name: str) -> object:
    content = _read(program, name)
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > _MOST_VALUES:
        raise Refused(f"{name} has more than {_MOST_VALUES} values")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{name} is no JSON: {type(error).__name__}") from error


def _read(program: _Program, name: str) -> bytes:
    info = program.records.get(name)
    if info is None:
        raise Refused(f"{name} is missing")
    if info.file_size > _MOST_TEXT:
        raise Refused(f"{name} has {info.file_size} bytes, at most {_MOST_TEXT} are read")
    return program.archive.read(info)


def _refuse_other_pickles(name: str, inner: zipfile.ZipFile) -> None:
    """Sample inputs are left out of the copy; a file that hides more than tensors in them is refused all the same."""
    for info in inner.infolist():
        if info.filename.endswith("/data.pkl") and info.file_size <= _MOST_TEXT:
            _refuse_other_names(name, inner.read(info))


def _refuse_other_names(name: str, pickled: bytes) -> None:
    # the pickle is looked through, not run
    for operation, argument, _ in pickletools.genops(pickled):
        foreign = operation.name == "GLOBAL" and argument not in _TENSORS_ALONE
        if foreign or operation.name in ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"):
            raise Refused(f"{name} holds more than tensors: {shown(argument)}")
