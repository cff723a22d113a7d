"""Measure, and write results, table and chart: python -m benchmarks.speed [--quick] [--only SECTION ...].

Every section runs at every number of threads in a process of its own, with OMP_NUM_THREADS and torch's threads set and
OMP_WAIT_POLICY=PASSIVE, the same for all contestants. A quick or tiny run, or one with `--out`, leaves the published
results alone.
"""

from __future__ import annotations

import argparse
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

_PUBLISHED = ROOT / "benchmarks" / "results"


def main(arguments: list[str]) -> int:
    asked = _parse(arguments)
    out = asked.out or (_PUBLISHED if asked.size == "full" else ROOT / "runs" / "speed")
    path, published = out / "speed.json", out == _PUBLISHED
    if not asked.report_only:
        for name in {name for section in asked.only for name in networks_of(section, SIZES[asked.size])}:
            networks.load(name)  # a twin is trained once, before any clock runs
        results, lost = _measure(asked.only, asked.threads, asked.size, _earlier(path))
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    else:
        results, lost = json.loads(path.read_text(encoding="utf-8")), []
    report.write(results, out, readme=ROOT / "README.md" if published else None)
    print((out / "speed_targets.md").read_text(encoding="utf-8"))
    for name in lost:
        print(f"no figures of: {name}", file=sys.stderr)
    return 1 if lost else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    usual = [name for name, section in SECTIONS.items() if section.usual]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=usual, help="sections to measure")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="numbers of threads, each in turn")
    parser.add_argument("--quick", dest="size", action="store_const", const="quick", help="about a minute")
    parser.add_argument("--size", choices=list(SIZES), default="full")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--report-only", action="store_true", help="draw table and chart of the results there are")
    return parser.parse_args(arguments)


def _measure(sections: list[str], threads: list[int], size: str, earlier: list[dict]) -> tuple[dict, list[str]]:
    """Fresh figures of the sections, beside earlier ones of the others; the names of those that failed."""
    started, begun = time.perf_counter(), datetime.now(UTC)
    runs, lost = [], []
    for section in sections:
        for count in threads:
            print(f"{section}, threads: {count}", file=sys.stderr, flush=True)
            found = _in_its_own_process(section, count, size)
            runs += found
            lost += [] if found else [f"{section}, threads: {count}"]
    fresh = {(run["section"], run["threads"], run["network"]) for run in runs}
    kept = [run for run in earlier if (run["section"], run["threads"], run["network"]) not in fresh]
    results = {
        "machine": machine(),
        "versions": versions(),
        "OMP_WAIT_POLICY": "PASSIVE",
        "dtype": "float32",
        "begun": begun.isoformat(timespec="seconds"),
        "seconds taken": round(time.perf_counter() - started, 1),
        "runs": sorted(kept + runs, key=_place),
    }
    return results, lost


def _in_its_own_process(section: str, threads: int, size: str) -> list[dict]:
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "TQDM_DISABLE": "1",  # a peer's progress bars would cost it time
    }
    command = [sys.executable, "-m", "benchmarks.speed.child", section, str(threads), size]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _earlier(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["runs"] if path.is_file() else []


def _place(run: dict) -> tuple[int, int, int]:
    return list(SECTIONS).index(run["section"]), networks.NAMES.index(run["network"]), run["threads"]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
