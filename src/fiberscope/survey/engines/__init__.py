"""Where a survey is computed: engines by their names."""

from __future__ import annotations

import os
from collections.abc import Callable

from fiberscope.problem import FiberscopeError
from fiberscope.survey.engines.engine import Engine, OpenWorkerHere
from fiberscope.survey.engines.local import LocalEngine
from fiberscope.survey.engines.processes import ProcessEngine

ENGINES: dict[str, Callable[[int], Engine]] = {"local": LocalEngine, "processes": ProcessEngine}


def open_engine(name: str, *, workers: int | None = None) -> Engine:
    """The engine of that name with so many workers, by default one for each core that this process may use.

    Raises FiberscopeError for a name that is none, or no worker.
    """
    if name not in ENGINES:
        raise FiberscopeError(f"engine: {name!r} is none. Choose from {', '.join(ENGINES)}.")
    if workers is not None and workers < 1:
        raise FiberscopeError(f"workers: {workers} are asked for. Ask for at least one.")
    return ENGINES[name](workers or cores())


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


__all__ = ["ENGINES", "Engine", "LocalEngine", "OpenWorkerHere", "ProcessEngine", "open_engine"]
