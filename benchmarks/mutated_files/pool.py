"""Processes that open mutants: each long-lived, ended when it hangs, and begun anew when it died."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
_LONGEST_START = 300.0  # seconds, in which all libraries are imported

Job = tuple[str, int]


class Pool(NamedTuple):
    """A folder for files, the seed, the kinds, the seconds that a mutant may take, and what opens them."""

    folder: Path
    seed: int
    kinds: tuple[str, ...]
    patience: float
    child: tuple[str, ...] = (sys.executable, "-m", "benchmarks.mutated_files.child")

    def make(self) -> None:
        """Write the good files; raises RuntimeError where this version cannot."""
        command = [*self.child, "make", str(self.folder), *self.kinds]
        done = subprocess.run(command, cwd=ROOT, env=self._environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the good files cannot be made:\n{done.stderr[-3000:]}")

    def run(self, jobs: Iterable[Job], workers: int, on_verdict: Callable[[dict[str, Any]], None]) -> None:
        """Open all mutants; verdicts come in any order."""
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        lock, errors = threading.Lock(), []

        def tell(verdict: dict[str, Any]) -> None:
            with lock:
                on_verdict(verdict)

        def work(place: int) -> None:
            try:
                self._work(waiting, self.folder / f"worker-{place}.log", tell)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(place,), daemon=True) for place in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _work(self, waiting: queue.SimpleQueue[Job], log: Path, tell: Callable[[dict[str, Any]], None]) -> None:
        child = None
        try:
            while True:
                kind, number = waiting.get_nowait()
                if child is None:
                    child = self._start(log, tell)
                size = log.stat().st_size
                child.stdin.write(f"{kind} {number}\n".encode())  # type: ignore[union-attr]
                child.stdin.flush()  # type: ignore[union-attr]
                verdict = _answer(child, self.patience)
                if verdict is None:
                    reason = _end(child, self.patience)
                    fault = {"door": "", "reason": reason, "place": "", "error": _tail(log, size)}
                    verdict = {
                        "kind": kind,
                        "number": number,
                        "words": "",
                        "outcome": "fault",
                        "faults": [fault],
                        "taken": 0,
                    }
                    child = None
                tell(verdict)
        except queue.Empty:
            return
        finally:
            if child is not None:
                _end(child, 0.0)

    def _start(self, log: Path, tell: Callable[[dict[str, Any]], None]) -> subprocess.Popen[bytes]:
        command = [*self.child, "serve", str(self.folder), str(self.seed), *self.kinds]
        with log.open("ab") as file:
            pipe = subprocess.PIPE
            child = subprocess.Popen(command, cwd=ROOT, env=self._environment(), stdin=pipe, stdout=pipe, stderr=file)
        first = _answer(child, _LONGEST_START)
        if first is None:
            raise RuntimeError(f"no process that opens files can be started ({_end(child, 1.0)}):\n{_tail(log, 0)}")
        tell(first)
        return child

    def _environment(self) -> dict[str, str]:
        home = str(self.folder / "home")
        own = {"HOME": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home, "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own}


def _answer(child: subprocess.Popen[bytes], patience: float) -> dict[str, Any] | None:
    """The next line of a process; None when it has died or says nothing for so long."""
    ready, _, _ = select.select([child.stdout], [], [], patience)
    line = child.stdout.readline() if ready else b""  # type: ignore[union-attr]
    return json.loads(line) if line else None


def _end(child: subprocess.Popen[bytes], patience: float) -> str:
    """Why a process answers no more; it is gone afterwards."""
    with child:  # which closes its pipes
        try:
            code = child.wait(timeout=1.0 if patience else 0.0)
        except subprocess.TimeoutExpired:
            child.kill()
            return f"no end after {patience:.0f} s"
    return f"the process died of signal {-code}" if code < 0 else f"the process ended with {code}"


def _tail(log: Path, begin: int) -> str:
    return log.read_bytes()[begin:][-4000:].decode(errors="replace")
