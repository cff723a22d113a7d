"""A worker on another machine, that may have other versions and other files than the head."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Mapping
from typing import NamedTuple

import torch

from fiberscope.analysis.provenance import versions
from fiberscope.problem import FiberscopeError
from fiberscope.survey.engines.engine import OpenWorkerHere
from fiberscope.survey.tasks import Finished, Task, Worker

_SAME = ("fiberscope", "torch")


class Sealed(NamedTuple):
    """How to open a worker, and the versions that it was written by: asked before anything is unpickled."""

    pickled: bytes
    versions: Mapping[str, str]


def seal(open_worker: OpenWorkerHere) -> Sealed:
    """What a worker elsewhere is sent."""
    here = versions()
    return Sealed(pickle.dumps(open_worker), {name: here[name] for name in _SAME})


class WorkerElsewhere:
    """Opens a worker, and measures; to be made where it works.

    What it cannot open it tells with the name of its machine, as a FiberscopeError.
    """

    def __init__(self, sealed: Sealed, threads: int):
        torch.set_num_threads(threads)
        self._sealed = sealed
        self._worker: Worker | None = None

    def is_there(self) -> None:
        """Answers."""

    def open(self) -> None:
        """Open network and images, which is not part of any task's time."""
        # Here and not when made: what cannot be opened is told as what it is, and not as a death.
        if self._worker is None:
            self._worker = self._open()

    def work(self, task: Task) -> Finished:
        """Measure a task."""
        self.open()
        assert self._worker is not None
        return self._worker(task)

    def _open(self) -> Worker:
        node, here = platform.node(), versions()
        other = [
            f"{name} {here[name]}, not {wanted}"
            for name, wanted in self._sealed.versions.items()
            if here[name] != wanted
        ]
        if other:
            raise FiberscopeError(f"engine: machine {node} has {'; '.join(other)}. Install the same on all.")
        try:
            open_worker: OpenWorkerHere = pickle.loads(self._sealed.pickled)
            return open_worker()
        except FiberscopeError as error:
            raise FiberscopeError(f"{error} (So says a worker on machine {node}.)") from error
