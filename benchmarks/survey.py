"""Surveys: their time beside the bare computation, in one run, and how their memory grows with the images.

    python benchmarks/survey.py [images] [repeats]

The bare computation is a loop over the same batches that keeps its results in a list: once with torch on all cores,
once on one core, once in as many threads as there are cores, each with torch on one (what a survey does).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from fiberscope.analysis.choices import NetworkChoice, SurveyChoice
from fiberscope.survey import run_survey
from fiberscope.survey.batch import Batch
from fiberscope.survey.engines import cores
from fiberscope.survey.measures import open_measures
from fiberscope.survey.scene import open_scene

MEASURES = ("spectrum", "variations")
SIZE = 256
TARGET = 1.3


def measure(images: int, repeats: int) -> dict[str, object]:
    contestants: dict[str, Callable[[], object]] = {
        "survey, threads": lambda: survey(images, "local"),
        "bare, torch on all cores": lambda: bare(images, workers=1, threads=cores()),
        "bare, torch on one core": lambda: bare(images, workers=1, threads=1),
        "bare, in threads": lambda: bare(images, workers=cores(), threads=1),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for repeat in range(repeats):
        for name in list(contestants)[:: -1 if repeat % 2 else 1]:
            began = time.perf_counter()
            contestants[name]()
            seconds[name].append(round(time.perf_counter() - began, 2))
    best = {name: min(times) for name, times in seconds.items()}
    ours = best.pop("survey, threads")
    return {
        "images": images,
        "cores": cores(),
        "torch": torch.__version__,
        "seconds": seconds,
        "survey over": {name: round(ours / time, 2) for name, time in best.items()},
        "target, over one process": TARGET,
    }


def survey(images: int, engine: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_survey(SurveyChoice(Path(folder) / "survey", measures=MEASURES, limit=images, engine=engine))


def bare(images: int, *, workers: int, threads: int) -> list[object]:
    """The same numbers, kept in a list."""
    scene, measures = open_scene(NetworkChoice(), "mnist:test", limit=images), open_measures(MEASURES)

    def one(start: int) -> list[object]:
        batch = Batch(scene, start, scene.source.read(range(start, min(start + SIZE, images))))
        return [each.compute(scene, batch) for each in measures]

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        if workers == 1:
            return [one(start) for start in range(0, images, SIZE)]
        with ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(threads)) as pool:
            return list(pool.map(one, range(0, images, SIZE)))
    finally:
        torch.set_num_threads(before)


def peak_memory(images: int, data: str) -> float:
    """MiB at most, of a process that surveys so many images and nothing else."""
    command = [sys.executable, __file__, "peak", str(images), data]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


def _peak(images: int, data: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run_survey(SurveyChoice(Path(folder) / "survey", data=data, measures=("recognition",), limit=images))
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 2**10, 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["peak"]:
        print(json.dumps(_peak(int(sys.argv[2]), sys.argv[3])))
    else:
        images, repeats = (int(each) for each in (*sys.argv[1:], *("10000", "3")[len(sys.argv) - 1 :]))
        found = measure(images, repeats)
        found["peak memory, MiB"] = {str(count): peak_memory(count, "mnist:test") for count in (1000, images)}
        print(json.dumps(found, indent=2))
