"""Hashes of contents: files can change under a name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor, nn

_SOURCES = (".py", ".onnx", ".pt2")


def hash_tensors(tensors: Iterable[Tensor]) -> str:
    """SHA-256 of their types, shapes and values, in order."""
    found = hashlib.sha256()
    for tensor in tensors:
        values = tensor.detach().cpu().contiguous()
        found.update(f"{values.dtype}{tuple(values.shape)}".encode())
        found.update(values.numpy().tobytes())
    return found.hexdigest()


def hash_module(model: object) -> str | None:
    """SHA-256 of the weights and buffers of a module; None for what is none."""
    return hash_tensors(model.state_dict().values()) if isinstance(model, nn.Module) else None


def hash_source(name: str) -> str | None:
    """SHA-256 of the user's file, that of "file.py:factory": the same weights in another architecture differ."""
    path = next((Path(each) for each in (name, name.rpartition(":")[0]) if each.endswith(_SOURCES)), None)
    return None if path is None or not path.is_file() else hashlib.sha256(path.read_bytes()).hexdigest()
