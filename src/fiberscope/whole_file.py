"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from fiberscope.problem.errors import FiberscopeError


def write_whole(content: bytes, path: str | os.PathLike[str]) -> Path:
    """Write beside the path, then rename: killed at any moment, the path holds the old bytes or the new.

    Folders on the way are made. Raises `FiberscopeError` where the file cannot be written; nothing is left behind then.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut may keep the rename and lose the bytes
        partial.replace(path)
    except OSError as error:
        _forget(partial)
        raise FiberscopeError(f"{path} cannot be written ({error}); free space or choose another folder") from error
    return path


def _forget(partial: Path) -> None:
    try:
        partial.unlink(missing_ok=True)
    except OSError:
        return  # the folder itself is out of reach, so there is nothing to remove
