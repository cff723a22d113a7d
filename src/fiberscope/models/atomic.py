"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from fiberscope.problem.errors import FiberscopeError


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the path, then rename: killed at any moment, the path holds the old bytes or the new."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut may keep the rename and lose the bytes
        partial.replace(path)
    except OSError as error:
        raise FiberscopeError(f"{path} cannot be written ({error}); free space or choose another folder") from error
