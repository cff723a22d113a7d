"""Pickles in torch's files of weights, looked through before torch reads them.

torch reads them by `weights_only`, which runs no code, and takes memory by their word all the same: a bytearray of any
length, codecs that double a text again and again, strings of lengths that the file does not have. So the names that
they call are held to those of tensors, lengths to the bytes that there are, and steps to a number.
"""

from __future__ import annotations

import mmap
import pickletools
import zipfile
from io import BytesIO
from pathlib import Path

import torch

from fiberscope.models.json_rules import shown
from fiberscope.problem.errors import ModelError

_ARCHIVE, _POINTER = b"PK\x03\x04", b"version https://git-lfs"
_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # of the older format, behind two bytes for the version of pickles
_OLD = 5  # pickles at the beginning of a file of the older format; plain numbers follow
_MOST_STEPS = 2**20  # one of 20,000 tensors takes half of them
_MOST_BYTES = 2**26
_TENSORS = frozenset(
    {
        *(f"torch._utils _rebuild_{kind}" for kind in ("tensor", "tensor_v2", "tensor_v3", "sparse_tensor", "qtensor")),
        *(f"torch._utils _rebuild_{kind}" for kind in ("parameter", "parameter_with_state", "meta_tensor_no_storage")),
        "torch.nn.parameter Parameter",
        "torch.serialization _get_layout",
        "torch.storage UntypedStorage",
        "torch Size",
        "torch device",
        "collections OrderedDict",
        "collections Counter",  # of schedulers in checkpoints
        "__builtin__ set",
        "builtins set",
        "__builtin__ complex",
        "builtins complex",
    }
)
_BY_STACK = ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4")
_STATES = ("state_dict", "model_state_dict")


def refuse_more_than_tensors(path: Path) -> None:
    """Raises ModelError where a file of torch calls anything but tensors, or asks for more than it has."""
    with path.open("rb") as file:
        begin = file.read(len(_POINTER))
    refuse_pointer(path, begin)
    if not begin.startswith(_ARCHIVE) and not begin[2:].startswith(_MAGIC):
        raise ModelError(
            f"{path} is no file that torch.save wrote (it begins with {shown(begin[:8])[1:]}, of {path.stat().st_size} "
            "bytes); copy it again, or save a state dict by torch.save"
        )
    try:
        _look_through_all(path, begin.startswith(_ARCHIVE))
    except ModelError:
        raise
    except Exception as error:  # of the reader of pickles, whatever a damaged file makes of it
        raise ModelError(f"{path} is truncated or damaged ({type(error).__name__}); copy it again") from error


def refuse_pointer(path: Path, begin: bytes) -> None:
    """Raises ModelError where a file only says where Git LFS keeps the weights."""
    if begin.startswith(_POINTER):
        raise ModelError(f"{path} is a pointer of Git LFS, not the weights; fetch them: git lfs pull")


def _look_through_all(path: Path, is_archive: bool) -> None:
    size = path.stat().st_size
    if is_archive:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename.lower() for info in archive.infolist()]  # torch finds them in any case
            if len(set(names)) < len(names):
                raise ModelError(f"{path} is damaged: it holds two records of one name; copy it again")
            for info in archive.infolist():
                if info.filename.lower().endswith("data.pkl"):
                    _refuse(path, info.file_size > _MOST_BYTES)
                    _look_through(path, BytesIO(archive.read(info)), size)
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for _ in range(_OLD):
            _look_through(path, content, size)
            _refuse(path, content.tell() > _MOST_BYTES)


def _look_through(path: Path, content: BytesIO | mmap.mmap, size: int) -> None:
    """Goes through one pickle without running it."""
    found = pickletools.genops(content)  # type: ignore[arg-type]  # refuses lengths beyond the end
    number, entry = 0, ""
    for step, (operation, argument, _) in enumerate(found):
        _refuse(path, step > _MOST_STEPS)
        match operation.name:
            case "GLOBAL" if not _is_of_tensors(str(argument)):
                raise _more_than_tensors(path, str(argument).replace(" ", "."), entry)
            case name if name in _BY_STACK:
                raise _more_than_tensors(path, name, entry)
            case "BINPERSID":  # of a storage, whose count of numbers is the last before it
                _refuse(path, number > size)
        number = argument if isinstance(argument, int) and "PUT" not in operation.name else number
        entry = argument if argument in _STATES else entry


def _is_of_tensors(name: str) -> bool:
    module, _, kind = name.partition(" ")
    if module == "torch" and kind.isidentifier():
        kinds = (torch.dtype, torch.qscheme, torch.layout)
        return name in _TENSORS or kind.endswith("Storage") or isinstance(getattr(torch, kind, None), kinds)
    return name in _TENSORS


def _more_than_tensors(path: Path, name: str, entry: str) -> ModelError:
    held = f"[{entry!r}]" if entry else ".state_dict()"
    return ModelError(
        f"{path} holds more than tensors ({shown(name)[1:-1]}): reading it could run code that it brings, so it is "
        "refused. Where you trust it, save its tensors alone: torch.save(torch.load("
        f"{str(path)!r}, weights_only=False){held}, 'weights.pt')"
    )


def _refuse(path: Path, too_much: bool) -> None:
    if too_much:
        raise ModelError(f"{path} is damaged, or no file of weights: it asks for more than it has; save it again")
