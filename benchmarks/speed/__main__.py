"""Measure, and write results, table and chart: python -m benchmarks.speed [--quick] [--only SECTION ...].

Every section runs at every number of threads in a process of its own, with OMP_NUM_THREADS and torch's threads set and
OMP_WAIT_POLICY=PASSIVE, the same for all contestants. A quick or tiny run, or one with `--out`, leaves the published
results alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.speed import networks, report
from benchmarks.speed.machine import ROOT, machine, versions
from benchmarks.speed.sections import SECTIONS, networks_of
from benchmarks.speed.sizes import SIZES

from fiberscope.whole_file import write_whole

_PUBLISHED = ROOT / "benchmarks" / "results"


def main(arguments: list[str]) -> int:
    asked = _parse(arguments)
    out = asked.out or (_PUBLISHED if asked.size == "full" else ROOT / "runs" / "speed")
    path = out / "speed.json"
    lost = [] if asked.report_only else _measure(asked.only, asked.threads, asked.size, path)
    results = json.loads(path.read_text(encoding="utf-8"))
    report.write(results, out, readme=ROOT / "README.md" if out == _PUBLISHED else None)
    print((out / "speed_targets.md").read_text(encoding="utf-8"))
    for name in lost:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if lost else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    usual = [name for name, section in SECTIONS.items() if section.usual]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=usual, help="sections to measure")
    parser.add_argument("--threads", nargs="+", type=int, help="numbers of threads, each in turn: 1 and 2; quick: 2")
    parser.add_argument(
        "--quick",
        dest="size",
        action="store_const",
        const="quick",
        default="full",
        help="a few minutes, for looking at",
    )
    parser.add_argument("--size", choices=list(SIZES), default="full")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--report-only", action="store_true", help="draw table and chart of the results there are")
    asked = parser.parse_args(arguments)
    asked.threads = asked.threads or ([1, 2] if asked.size == "full" else [2])
    return asked


def _measure(sections: list[str], threads: list[int], size: str, path: Path) -> list[str]:
    """Fresh figures of the sections into the results, one after the other; the names of those that failed."""
    for name in {name for section in sections for name in networks_of(section, SIZES[size])}:
        networks.load(name)  # a twin is trained once, before any clock runs
    results = _results_to_add_to(path, size)
    started, lost = time.perf_counter(), []
    for section, count in itertools.product(sections, threads):
        print(f"{section}, threads: {count}", file=sys.stderr, flush=True)
        runs, failed = _in_its_own_process(section, count, size)
        lost += [f"{section}, threads: {count}"] if failed else []
        fresh = {_place(run) for run in runs}
        kept = [run for run in results["runs"] if _place(run) not in fresh]
        results["runs"] = sorted(kept + runs, key=_place)
        results["seconds taken"] = round(time.perf_counter() - started, 1)
        write_whole((json.dumps(results, indent=1, allow_nan=False) + "\n").encode(), path)
    return lost


def _results_to_add_to(path: Path, size: str) -> dict:
    """What is there already, if it is of this machine, these versions and this size: figures of two are not mixed."""
    here = {
        "machine": machine(),
        "versions": versions(),
        "size": size,
        "OMP_WAIT_POLICY": "PASSIVE",
        "dtype": "float32",
    }
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    same = all(earlier.get(key) == value for key, value in here.items())
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    return {**here, "begun": begun, "runs": earlier["runs"] if same else []}


def _in_its_own_process(section: str, threads: int, size: str) -> tuple[list[dict], bool]:
    """A run for each network that came through, and whether one did not."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "TQDM_DISABLE": "1",  # a peer's progress bars would cost it time
    }
    command = [sys.executable, "-m", "benchmarks.speed.child", section, str(threads), size]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    runs = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return runs, done.returncode != 0


def _place(run: dict) -> tuple[int, int, int]:
    return list(SECTIONS).index(run["section"]), networks.NAMES.index(run["network"]), run["threads"]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
