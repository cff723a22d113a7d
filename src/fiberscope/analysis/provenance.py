"""Where a result comes from: everything that is needed to get it again, as JSON beside it."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from fiberscope.analysis.run_folder import PROVENANCE, RunFolder


@dataclass(frozen=True)
class Provenance:
    """How a result came about; ``command`` repeats it, ``settings`` hold what the command leaves to defaults.

    ``seconds`` is a stopwatch: wrap each step of the run in `timed`.
    """

    command: str
    seed: int
    settings: Mapping[str, object] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


@contextmanager
def timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Add the wall-clock seconds of the block to those of the step, also when the block fails."""
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[step] = round(seconds.get(step, 0.0) + time.perf_counter() - start, 3)


def write_provenance(folder: RunFolder, provenance: Provenance, *, files: Sequence[str], finished: bool = True) -> Path:
    """Write the provenance of the named files into their folder, as its last file: it says the result is whole.

    Files of an earlier run that this one did not replace are removed, so that the folder holds one result.
    """
    for name in set(folder.earlier) - set(files):
        folder.remove(name)
    record = {
        **asdict(provenance),
        "finished": finished,
        "files": list(files),
        "versions": versions(),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
    }
    return folder.write(PROVENANCE, (json.dumps(record, indent=2, default=str) + "\n").encode())


def versions() -> dict[str, str]:
    """Versions of what computes: they, the seed and the machine decide the bits of a result."""
    return {
        "fiberscope": version("fiberscope"),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
