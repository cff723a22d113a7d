"""One mutant at its doors: accepted, refused, or a fault."""

from __future__ import annotations

import resource
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.mutated_files.kinds import Kind, Places
from benchmarks.mutated_files.payloads import SECRET
from benchmarks.mutated_files.watch import ForbiddenError, Watch

from fiberscope import FiberscopeError

MOST = 2**30  # bytes beyond the size of the file
_ROOM = 2**30  # more of address space than of memory: libraries reserve what they never use
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "failed to allocate")


class Fault(NamedTuple):
    """What went wrong at which door, the place that faults are grouped by, and all that Python says of it."""

    door: str
    reason: str
    place: str
    error: str


def judge(kind: Kind, folder: Path, size: int, watch: Watch, places: Places) -> dict[str, Any]:
    """Try every door of a kind: the outcome (accepted by any), the faults, and the bytes and seconds that it took."""
    faults: list[Fault] = []
    outcomes, said = set(), ""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    began, before = time.monotonic(), _status("VmRSS")
    with _limited_to(_status("VmSize") + MOST + _ROOM + size):
        for name, door in kind.doors.items():
            with watch.watching() as seen:
                outcome, error = _open(door, folder)
            outcomes.add(outcome)
            said = str(error)[:300] if outcome == "refused" else said
            faults += [
                Fault(name, f"what a file may not: {each[:160]}", "watch", _told(error)) for each in dict.fromkeys(seen)
            ]
            faults += _faults_of(name, error, outcome)
    taken = _status("VmHWM") - before
    if taken > MOST + size:
        faults.append(Fault("all", "memory beyond 1 GiB", "", f"{taken / 2**20:.0f} MiB for {size} bytes"))
    traces = sorted({each.name for each in places.outside.iterdir()} - {"secret.txt", "trap.py"})
    faults += [Fault("all", f"writes {each} into a folder of others", "", "") for each in traces]
    word = "fault" if faults else "accepted" if "accepted" in outcomes else "refused"
    seconds = time.monotonic() - began
    return {
        "outcome": word,
        "faults": [each._asdict() for each in faults],
        "said": said,
        "taken": taken,
        "seconds": seconds,
    }


def _open(door: Any, folder: Path) -> tuple[str, BaseException | None]:
    try:
        found = door(folder)
        return ("leak" if SECRET in str(found) else "accepted"), None
    except FiberscopeError as error:
        return ("leak" if SECRET in str(error) else "refused"), error
    except BaseException as error:
        return "raw", error


def _faults_of(door: str, error: BaseException | None, outcome: str) -> Iterator[Fault]:
    if outcome == "leak":
        yield Fault(door, "shows a file of another folder", _place(error), _told(error))
    elif any(_is_of_memory(each) for each in _chain(error)):
        yield Fault(door, "memory beyond 1 GiB", _place(error), _told(error))
    elif outcome == "raw" and not any(isinstance(each, ForbiddenError) for each in _chain(error)):
        yield Fault(door, f"raw {type(error).__name__}", _place(error), _told(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _is_of_memory(error: BaseException) -> bool:
    words = "" if isinstance(error, FiberscopeError) else str(error)[:10_000].lower()
    return isinstance(error, MemoryError) or any(each in words for each in _OUT_OF_MEMORY)


def _place(error: BaseException | None) -> str:
    """The last line of fiberscope that an error went through, and the last line at all."""
    frames = traceback.extract_tb(None if error is None else error.__traceback__)
    own = [frame for frame in frames if "/fiberscope/" in frame.filename]
    names = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in [*own[-1:], *frames[-1:]]]
    return " < ".join(dict.fromkeys(names))


def _told(error: BaseException | None) -> str:
    if error is None:
        return ""
    return "".join(traceback.format_exception(error, limit=-12))[-6000:].encode(errors="backslashreplace").decode()


@contextmanager
def _limited_to(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _status(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
