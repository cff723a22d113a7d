"""Surveys: their time beside the bare computation, on Ray, how fast records are written, and how many bytes they take.

    python benchmarks/survey.py [bare | ray | store | bytes] ... [--images N] [--repeats N]

Every part is kept under its name in results/survey.json, with the load of the machine before and after it. What is
compared is run in turn, and the least of the repeats counts. Memory has a script of its own: survey_memory.py.

The bare computation is a loop over the same batches that keeps its results in a list: once with torch on all cores,
once on one core, once in as many threads as there are cores, each with torch on one (what a survey does). On Ray there
are one and two workers of one thread each, on a Ray that the survey starts itself, and on a cluster of two nodes with a
core each; all of it in a network of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.provenance import versions
from fiberscope.analysis.survey_choices import EngineChoice, SurveyChoice
from fiberscope.survey import run_survey
from fiberscope.survey.batch import Batch
from fiberscope.survey.engines import cores
from fiberscope.survey.measures import open_measures
from fiberscope.survey.plan import Opened, make_plan
from fiberscope.survey.scene import open_scene
from fiberscope.survey.store import make_store
from fiberscope.survey.tasks import Finished, Task
from fiberscope.survey.worker import measure_task

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "results" / "survey.json"
MEASURES = ("spectrum", "variations")
SIZE = 256
TARGET, TARGET_TWO_WORKERS = 1.3, 1.8


def in_turn(contestants: dict[str, Callable[[], dict[str, float]]], repeats: int) -> dict[str, dict[str, list[float]]]:
    """Every contestant so many times, in turn and back again."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in contestants}
    for repeat in range(repeats):
        for name in list(contestants)[:: -1 if repeat % 2 else 1]:
            for what, seconds in contestants[name]().items():
                found[name].setdefault(what, []).append(round(seconds, 2))
            print(name, {what: times[-1] for what, times in found[name].items()}, file=sys.stderr)
    return found


def beside_bare(images: int, repeats: int) -> dict[str, object]:
    contestants: dict[str, Callable[[], dict[str, float]]] = {
        "survey, threads": lambda: survey(images, EngineChoice()),
        "bare, torch on all cores": lambda: bare(images, workers=1, threads=cores()),
        "bare, torch on one core": lambda: bare(images, workers=1, threads=1),
        "bare, in threads": lambda: bare(images, workers=cores(), threads=1),
    }
    seconds = in_turn(contestants, repeats)
    best = {name: min(times["whole"]) for name, times in seconds.items()}
    ours = best.pop("survey, threads")
    over = {name: round(ours / time, 2) for name, time in best.items()}
    return {"images": images, "seconds": seconds, "survey over": over, "target, over one process": TARGET}


def on_ray(images: int, repeats: int) -> dict[str, object]:
    """Seconds of one and of two workers; ``measuring`` is from the first task done to the last."""
    sys.path.insert(0, str(ROOT / "tests"))
    from clusters import ADDRESS, Network  # noqa: PLC0415  (of the tests, for this part alone)

    network = Network()

    def run(workers: int, *address: str) -> dict[str, float]:
        process = network.start(sys.executable, __file__, "one", str(images), str(workers), *address)
        said, error = process.communicate()
        if process.returncode:
            raise RuntimeError(error)
        return json.loads(said.splitlines()[-1])

    try:
        if network.why_not:
            raise RuntimeError(network.why_not)
        network.start_head()
        network.join()
        contestants: dict[str, Callable[[], dict[str, float]]] = {
            "bare, one process": lambda: bare(images, workers=1, threads=1),
            "bare, two threads": lambda: bare(images, workers=2, threads=1),
            "one worker": lambda: run(1),
            "two workers": lambda: run(2),
            "one worker, cluster of two nodes": lambda: run(1, ADDRESS),
            "two workers, cluster of two nodes": lambda: run(2, ADDRESS),
        }
        seconds = in_turn(contestants, repeats)
    finally:
        network.close()
    best = {name: {what: min(each) for what, each in times.items()} for name, times in seconds.items()}
    gain = {
        where or "this machine": {
            what: round(best[f"one worker{where}"][what] / best[f"two workers{where}"][what], 2)
            for what in ("measuring", "whole")
        }
        for where in ("", ", cluster of two nodes")
    }
    # What the machine gave to anybody at the time: two cores that others use too are not two.
    gain["bare computation"] = {
        "whole": round(best["bare, one process"]["whole"] / best["bare, two threads"]["whole"], 2)
    }
    wanted = {"two workers over one": gain, "target, over one worker": TARGET_TWO_WORKERS}
    return {"images": images, "seconds": seconds, **wanted}


def survey(images: int, engine: EngineChoice) -> dict[str, float]:
    """Seconds of a survey: as a whole, and from the first task done to the last, as if all images were in between."""
    done: list[tuple[float, int, float]] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        choice = SurveyChoice(Path(folder) / "survey", measures=MEASURES, limit=images)
        run_survey(
            choice,
            engine=engine,
            on_progress=lambda now: done.append((time.perf_counter(), now.done, time.process_time())),
        )
        whole = time.perf_counter() - began
    (first, some, busy), (last, all_, busy_last) = next(each for each in done if each[1]), done[-1]
    share = images / (all_ - some)
    return {"whole": whole, "measuring": (last - first) * share, "of the head's core": (busy_last - busy) * share}


def bare(images: int, *, workers: int, threads: int) -> dict[str, float]:
    """The same numbers, kept in a list."""
    began = time.perf_counter()
    scene, measures = open_scene(NetworkChoice(), "mnist:test", limit=images), open_measures(MEASURES)

    def one(start: int) -> list[object]:
        batch = Batch(scene, start, scene.source.read(range(start, min(start + SIZE, images))))
        return [each.compute(scene, batch) for each in measures]

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        if workers == 1:
            kept = [one(start) for start in range(0, images, SIZE)]
        else:
            with ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(threads)) as pool:
                kept = list(pool.map(one, range(0, images, SIZE)))
        assert kept
        return {"whole": time.perf_counter() - began}
    finally:
        torch.set_num_threads(before)


def writing(images: int, repeats: int) -> dict[str, object]:
    """Rows in a second of one core that the head takes, of tasks done already: of numbers, and with images found."""
    found = {}
    for names in (MEASURES, ("nearest",)):
        with tempfile.TemporaryDirectory() as folder:
            few = make_plan(SurveyChoice(Path(folder), measures=names, limit=SIZE), NetworkChoice())
            finished = measure_task(few, Task(0, 0, SIZE))
            for times in (1, 16):
                rates = [_rows_a_second(images, few, _larger(finished, times)) for _ in range(repeats)]
                found[f"{' and '.join(names)}, {times * SIZE} images a task"] = round(max(rates))
    return {"rows": images, "rows in a second of one core": found}


def _larger(finished: Finished, times: int) -> Finished:
    return finished._replace(
        names=finished.names * times,
        labels=finished.labels * times,
        columns={name: np.concatenate([column] * times) for name, column in finished.columns.items()},
        images={name: np.concatenate([column] * times) for name, column in finished.images.items()},
        errors=finished.errors * times,
    )


def _rows_a_second(images: int, few: Opened, finished: Finished) -> float:
    with tempfile.TemporaryDirectory() as folder:
        size = len(finished.names)
        whole = images // size
        plan = replace(few.plan, images=whole * size, batch_size=size)
        store = make_store(replace(few, plan=plan), Path(folder))
        began = time.process_time()
        for number in range(whole):
            store.write(finished._replace(task=Task(number, number * size, (number + 1) * size)))
        store.close()
        return whole * size / (time.process_time() - began)


def size_of_records(images: int, _: int) -> dict[str, object]:
    """Bytes and seconds an image, of numbers alone, and of a measure that keeps an image of each.

    A database of few images is mostly room for more.
    """
    found: dict[str, object] = {}
    for names, count in ((MEASURES, images), (("nearest",), SIZE)):
        with tempfile.TemporaryDirectory() as folder:
            choice = SurveyChoice(
                Path(folder) / "survey", measures=names, limit=count, batch_size=min(SIZE, count // 4)
            )
            busy: list[tuple[float, int]] = []
            run_survey(
                choice,
                engine=EngineChoice(workers=1),
                on_progress=lambda now, busy=busy: busy.append((time.process_time(), now.done)),
            )
            (begun, some), (ended, all_) = next(each for each in busy if each[1]), busy[-1]
            arrays = [file.stat().st_size for file in (choice.out / "arrays.zarr").rglob("*") if file.is_file()]
            found[" and ".join(names)] = {
                "images": count,
                "bytes an image in the database": round((choice.out / "records.duckdb").stat().st_size / count),
                "bytes an image in the arrays": round(sum(arrays) / count),
                "seconds of one core an image": round((ended - begun) / (all_ - some), 6),
            }
    return found


def keep(part: str, measured: Callable[[], dict[str, object]]) -> None:
    """Measure a part, and put it in its place in the figures."""
    load, begun = os.getloadavg()[0], datetime.now(UTC).isoformat(timespec="seconds")
    figures = measured()
    machine = {"cores": cores(), "machine": platform.machine(), "versions": versions()}
    loads = {"load before": round(load, 2), "load after": round(os.getloadavg()[0], 2)}
    there = json.loads(OUT.read_text()) if OUT.exists() else {}
    OUT.write_text(json.dumps({**there, part: {"begun": begun, **loads, **machine, **figures}}, indent=1) + "\n")
    print(json.dumps({part: figures}, indent=1))


PARTS = {"bare": beside_bare, "ray": on_ray, "store": writing, "bytes": size_of_records}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="part")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    for part in asked.parts:
        keep(part, lambda part=part: PARTS[part](asked.images, asked.repeats))


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        _, _, count, workers, *address = sys.argv
        choice = EngineChoice("ray", int(workers), address=next(iter(address), None))
        print(json.dumps(survey(int(count), choice)))
    else:
        main()
