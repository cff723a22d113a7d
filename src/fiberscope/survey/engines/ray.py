"""Workers on a Ray cluster, or on a Ray of its own on this machine. No other file knows of Ray.

Each worker is an actor that opens network and images once. Ray's own restarts are left off: they know no limit of
deaths without a task done between, and keep tasks where no node may come back.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from fiberscope.problem import FiberscopeError, MissingPackageError
from fiberscope.survey.engines.elsewhere import Sealed, WorkerElsewhere, seal
from fiberscope.survey.engines.engine import OpenWorkerHere
from fiberscope.survey.engines.patience import Patience
from fiberscope.survey.tasks import Finished, GivenUp, Task

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError as missing:
    raise MissingPackageError(f"the engine ray needs {missing.name}: pip install 'fiberscope[ray]'") from missing

_log = logging.getLogger(__name__)
_AHEAD = 2  # tasks for each worker: one under way, one that waits
_MOST_DEATHS = 3  # of a worker and those in its place, without a task done between
_LOOK, _TELL = 1.0, 10.0  # seconds between looks for workers that are late, and until one is told of them


class Needs(NamedTuple):
    """What a worker has to itself: cores, and GPUs or a share of one."""

    cpus: int
    gpus: float


@dataclass(frozen=True)
class RayEngine:
    """So many actors, by default as many as the cluster has room for.

    ``patience``: seconds that a cluster without room for a single one is waited for; nodes may be on their way.
    """

    workers: int | None = None
    address: str | None = None
    gpus_per_worker: float = 0.0
    patience: float = 300.0
    task_timeout: float | None = None
    shares_memory: ClassVar[bool] = False

    def run(self, tasks: Iterable[Task], open_worker: OpenWorkerHere, *, threads: int) -> Iterator[Finished | GivenUp]:
        """Each task once, as they are done; tasks of a worker or a node that is lost are given to another.

        A worker that takes too long for a task is killed, and the task given up. Raises FiberscopeError for a cluster
        that cannot be joined or has no room, for what a worker cannot open, and when workers die again and again.
        """
        todo = iter(tasks)
        first = next(todo, None)
        if first is None:
            return
        needs = Needs(threads, self.gpus_per_worker)
        with joined(self.address, cpus=None if self.workers is None else self.workers * threads):
            crew = _Crew(seal(open_worker), needs, self.patience, Patience(self.task_timeout))
            try:
                for _ in range(self.workers or max(1, _room_for(needs))):
                    crew.fill(_Place())
                yield from crew.work_off(deque([first]), todo)
            finally:
                crew.dismiss()


@contextmanager
def joined(address: str | None, *, cpus: int | None = None) -> Iterator[None]:
    """Be on a cluster while the block runs: the one that this process is on already, that of the address, or its own.

    Its own has so many cores, and listens on this machine alone. How one proves to be let in is the user's business:
    Ray reads it from the environment. Raises FiberscopeError for a cluster that is not there or does not let us in.
    """
    if ray.is_initialized():  # whoever began it ends it
        if address not in (None, "auto", ray.get_runtime_context().gcs_address):
            raise FiberscopeError(f"address: this process is on a cluster already, not on {address}. Leave it out.")
        yield
        return
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    _refuse_nobody(where)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        if where == "local":
            own: dict[str, Any] = {"num_cpus": cpus, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        else:
            own = {}
        ray.init(where, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, RayError) as error:
        raise FiberscopeError(
            f"address: Ray at {where} does not let us in ({_last_line(error)}). Its token may be another one than this "
            "environment holds: RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or the file of RAY_AUTH_TOKEN_PATH."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


@dataclass(eq=False)
class _Place:
    """Where a worker belongs: who holds it, whether it is there yet, its tasks, how many died here in a row.

    ``since`` is when the task under way was begun; None before the worker has opened network and images.
    """

    actor: Any = None
    ready: bool = False
    tasks: list[Task] = field(default_factory=list)  # the first is under way
    deaths: int = 0
    is_open: bool = False
    since: float | None = None


@dataclass(eq=False)
class _Crew:
    """The workers, and what is waited for: a task of a worker, or that it is there at all."""

    sealed: Sealed
    needs: Needs
    patience: float
    task_patience: Patience
    places: list[_Place] = field(default_factory=list)
    waiting: dict[Any, tuple[_Place, Task | None]] = field(default_factory=dict)
    late_since: float = field(default_factory=time.monotonic)
    told: bool = False

    def fill(self, place: _Place) -> None:
        """Put a fresh worker there."""
        # Spread over all nodes, so that none is crowded while another idles.
        hire = ray.remote(num_cpus=self.needs.cpus, num_gpus=self.needs.gpus, scheduling_strategy="SPREAD")
        place.actor = hire(WorkerElsewhere).remote(self.sealed, self.needs.cpus)
        place.ready, place.is_open, place.since, place.tasks = False, False, None, []
        self.waiting[place.actor.is_there.remote()] = (place, None)
        if place not in self.places:
            self.places.append(place)

    def work_off(self, again: deque[Task], todo: Iterator[Task]) -> Iterator[Finished | GivenUp]:
        """Every task, first those of ``again``, where deaths put what they left."""
        while self._hand_out(again, todo):
            done, _ = ray.wait(list(self.waiting), num_returns=1, timeout=_LOOK)
            for ref in done:
                place, task = self.waiting.pop(ref)
                finished = self._result(ref, place, task, again)
                if finished is not None:
                    yield finished
            # With the last reference the cluster lets a result go.
            ref, done, finished = None, [], None
            yield from self._give_up(again)
            self._look_for_workers()

    def dismiss(self) -> None:
        """Let all go, whatever they are at."""
        for place in self.places:
            ray.kill(place.actor)

    def _hand_out(self, again: deque[Task], todo: Iterator[Task]) -> bool:
        """Give tasks to workers that are there; whether there is anything left to wait for."""
        for most in range(1, _AHEAD + 1):  # one for each before anybody has two
            for place in self.places:
                # After a death one at a time: a task that kills at once would hide that the one before it was done.
                if place.ready and len(place.tasks) < (1 if place.deaths else most):
                    task = again.popleft() if again else next(todo, None)
                    if task is None:
                        return any(other.tasks for other in self.places)
                    self.waiting[place.actor.work.remote(task)] = (place, task)
                    place.tasks.append(task)
                    if place.is_open and place.since is None:
                        place.since = time.monotonic()
        return True

    def _result(self, ref: Any, place: _Place, task: Task | None, again: deque[Task]) -> Finished | None:
        try:
            found: Finished = ray.get(ref)
        except RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        except RayError as error:
            if getattr(error, "actor_init_failed", False):
                raise FiberscopeError(
                    f"engine: a worker cannot start ({_last_line(error)}). Install fiberscope, the same version, on "
                    "every node."
                ) from error
            self._replace(place, again, error)
            return None
        now = time.monotonic()
        if task is None:
            if place.ready:
                place.is_open, place.since = True, now if place.tasks else None
            else:
                place.ready = True
                self.waiting[place.actor.open.remote()] = (place, None)
            return None
        place.tasks.remove(task)
        self.task_patience.learn(now if place.since is None else place.since)
        place.since = now if place.tasks else None
        for each in self.places:
            each.deaths = 0
        return found

    def _replace(self, place: _Place, again: deque[Task], error: RayError) -> None:
        under_way = place.tasks[:1]
        place.deaths += 1
        if place.deaths == _MOST_DEATHS:
            raise FiberscopeError(
                f"engine: workers died {place.deaths} times at tasks {[task.number for task in under_way]}, killed or "
                "out of memory. What is stored is kept. Resume with fewer workers."
            ) from error
        # Those that only waited go first: if it is the other that kills, it must not take them along again.
        again.extend(place.tasks[1:] + under_way)
        self._refill(place)

    def _give_up(self, again: deque[Task]) -> Iterator[GivenUp]:
        for place in self.places:
            if place.since is None or not self.task_patience.is_over(place.since) or self._is_done(place):
                continue
            task, seconds = place.tasks[0], time.monotonic() - place.since
            again.extend(place.tasks[1:])
            self._refill(place)
            yield GivenUp(task, seconds)

    def _is_done(self, place: _Place) -> bool:
        """Tell whether a result waits: the pace is that of whoever takes it."""
        own = [ref for ref, (where, _) in self.waiting.items() if where is place]
        done, _ = ray.wait(own, num_returns=1, timeout=0)
        return bool(done)

    def _refill(self, place: _Place) -> None:
        self.waiting = {ref: (where, task) for ref, (where, task) in self.waiting.items() if where is not place}
        ray.kill(place.actor)  # one that is cut off, not dead, must not hold its core
        self.fill(place)

    def _look_for_workers(self) -> None:
        """Say so where no worker is there; raise FiberscopeError where none comes."""
        late = time.monotonic() - self.late_since
        if any(place.ready for place in self.places):
            self.late_since, self.told = time.monotonic(), False
        elif late > self.patience or (late > _TELL and not self.told):
            has = ray.cluster_resources()  # type: ignore[no-untyped-call]
            words = f"a worker needs CPU {self.needs.cpus}, GPU {self.needs.gpus:g}; the cluster has CPU "
            words += f"{has.get('CPU', 0):g}, GPU {has.get('GPU', 0):g} in all, maybe held by others"
            if late > self.patience:
                raise FiberscopeError(
                    f"engine: no worker has come for {self.patience:g} s: {words}. What is stored is kept. Add nodes, "
                    "or ask for less, then resume."
                )
            self.told = True
            _log.warning("no worker yet, given up after %g s: %s", self.patience, words)


def _room_for(needs: Needs) -> int:
    room = 0
    for node in ray.nodes():  # type: ignore[no-untyped-call]
        has = node["Resources"] if node["Alive"] else {}
        fits = has.get("CPU", 0.0) // needs.cpus
        room += int(min(fits, has.get("GPU", 0.0) // needs.gpus) if needs.gpus else fits)
    return room


def _refuse_nobody(address: str) -> None:
    """Ray itself looks for a cluster that is not there for half a minute."""
    if address.startswith("ray://"):
        raise FiberscopeError(f"address: {address} is one of Ray's client. Survey on a machine of the cluster itself.")
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()) and address not in ("local", "auto"):
        raise FiberscopeError(f"address: {address!r} is none. Name host:port, as ray start says it, or auto.")
    if host:
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except OSError as error:
            raise FiberscopeError(f"address: nobody answers at {address} ({error.strerror or error}).") from error


def _last_line(error: Exception) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
