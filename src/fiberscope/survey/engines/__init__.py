"""Where a survey is computed: engines by their names."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

from fiberscope.analysis.survey_choices import EngineChoice
from fiberscope.problem import FiberscopeError
from fiberscope.survey.engines.engine import Engine, OpenWorkerHere
from fiberscope.survey.engines.local import LocalEngine
from fiberscope.survey.engines.processes import ProcessEngine


def open_engine(choice: EngineChoice) -> Engine:
    """The engine of that name with so many workers, by default one for each core.

    Raises FiberscopeError for a name that is none, no worker, and an option that the engine has no use for.
    """
    name, workers = choice.engine, choice.workers
    if name not in ENGINES:
        raise FiberscopeError(f"engine: {name!r} is none. Choose from {', '.join(ENGINES)}.")
    if workers is not None and workers < 1:
        raise FiberscopeError(f"workers: {workers} are asked for. Ask for at least one.")
    if choice.task_timeout is not None and not 0 <= choice.task_timeout < math.inf:
        raise FiberscopeError(
            f"task-timeout: {choice.task_timeout} seconds are asked for. Ask for more than none, or for 0: no limit."
        )
    return ENGINES[name](choice)


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _local(choice: EngineChoice) -> Engine:
    _refuse_cluster(choice)
    return LocalEngine(choice.workers or cores(), choice.task_timeout)


def _processes(choice: EngineChoice) -> Engine:
    _refuse_cluster(choice)
    return ProcessEngine(choice.workers or cores(), choice.task_timeout)


def _ray(choice: EngineChoice) -> Engine:
    from fiberscope.survey.engines.ray import RayEngine  # noqa: PLC0415  (for those who ask for it alone)

    gpus = choice.gpus_per_worker
    if gpus is not None and not (0 < gpus <= 1 or (gpus > 1 and gpus == int(gpus))):
        raise FiberscopeError(
            f"gpus-per-worker: {gpus} are asked for. Ask for a share such as 0.25, or for whole ones."
        )
    return RayEngine(
        choice.workers, address=choice.address, gpus_per_worker=gpus or 0.0, task_timeout=choice.task_timeout
    )


ENGINES: dict[str, Callable[[EngineChoice], Engine]] = {"local": _local, "processes": _processes, "ray": _ray}


def _refuse_cluster(choice: EngineChoice) -> None:
    for name, value in (("address", choice.address), ("gpus-per-worker", choice.gpus_per_worker)):
        if value is not None:
            raise FiberscopeError(
                f"{name}: the engine {choice.engine} has no use for it. Leave it out, or use the engine ray."
            )


__all__ = ["ENGINES", "Engine", "LocalEngine", "OpenWorkerHere", "ProcessEngine", "open_engine"]
