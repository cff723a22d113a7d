"""Small surveys: striped images of 36 pixels, a linear network, and measures of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from commands import Command
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.survey_choices import EngineChoice, SurveyChoice
from fiberscope.survey import Rows, query, read_images
from fiberscope.survey.database import Database
from studies import NETWORK, SHAPE, labelled

COUNT = 24
HERE = EngineChoice()
MEASURES = ("recognition", "spectrum", "variations", "nearest")

OWN = """
import os
import time
from pathlib import Path
import torch
from fiberscope.survey import Column, Measure

HERE = Path(__file__).parent

def columns(scene):
    return (
        Column("luck", "number", "", "a random number of the image's own", main=True),
        Column("ink", "number", "intensity", "sum of its pixels"),
        Column("negative", "image", "intensity", "the image with bright and dark exchanged"),
    )

def of(scene, batch):
    return {
        "luck": [float(torch.rand((), generator=batch.rng(row))) for row in range(len(batch))],
        "ink": batch.images.flatten(1).sum(dim=1),
        "negative": 1 - batch.images,
    }

done = []

def slowly(scene, batch):
    quick = len(done) < int(os.environ.get("QUICK_TASKS", "1000000"))
    done.append(batch.start)
    time.sleep(float(os.environ.get("SECONDS_A_TASK", "0")) if quick else 2)
    return of(scene, batch)

def but_not_seven(scene, batch):
    if not (HERE / "mended").exists() and batch.start <= 7 < batch.start + len(batch):
        raise RuntimeError("seven is too much")
    return of(scene, batch)

def or_die(scene, batch):
    if batch.start <= 7 < batch.start + len(batch):
        os.kill(os.getpid(), 9)
    return of(scene, batch)

def own():
    return Measure("own", "Luck and ink.", columns, of)

def slow():
    return Measure("slow", "The same, slowly.", columns, slowly)

def picky():
    return Measure("picky", "The same, not of the eighth image.", columns, but_not_seven)

def deadly():
    return Measure("deadly", "The same; the eighth image kills.", columns, or_die)
"""


def write_survey(folder: Path, count: int = COUNT) -> NetworkChoice:
    """A network, images and measures as files of a folder."""
    data = labelled(count)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.py").write_text(NETWORK)
    (folder / "own.py").write_text(OWN)
    np.savez(folder / "data.npz", images=data.images.numpy(), labels=data.labels.numpy())
    return NetworkChoice(model=f"{folder / 'network.py'}:linear", input_shape=SHAPE)


def choose(folder: Path, out: Path, *measures: str, **options: object) -> SurveyChoice:
    """A survey of those files, a few images a task; measures of one's own are named as own:factory."""
    names = tuple(name.replace("own:", f"{folder / 'own.py'}:") for name in measures or MEASURES)
    return SurveyChoice(**{"out": out, "data": str(folder / "data.npz"), "measures": names, "batch_size": 5, **options})


def as_command(choice: SurveyChoice, network: NetworkChoice, engine: EngineChoice = HERE) -> list[str]:
    """The same on a command line."""
    return [
        *("survey", "run", "--out", str(choice.out), "--data", choice.data, "--measures", *choice.measures),
        *("--batch-size", str(choice.batch_size), "--model", network.model, "--engine", engine.engine),
        *([] if engine.workers is None else ["--workers", str(engine.workers)]),
        *([] if engine.address is None else ["--address", engine.address]),
        *("--input-shape", *map(str, network.input_shape)),
    ]


def start(*arguments: object, seconds: float = 0.0, quick: int = 1_000_000) -> Command:
    """The command as a process of its own; the measure own:slow takes so long a task, 2 s after so many."""
    return Command(*arguments, SECONDS_A_TASK=str(seconds), QUICK_TASKS=str(quick))


def edit_plan(out: Path, **fields: object) -> None:
    """Put other values into a plan's file, whatever its records were begun with."""
    plan = json.loads((out / "plan.json").read_text())
    (out / "plan.json").write_text(json.dumps({**plan, **fields}))


def forget_plan(out: Path) -> None:
    """Make it a survey of an earlier version, which kept no plan beside its records."""
    with Database(out / "records.duckdb", write=True) as database:
        database.ask("DROP TABLE plan")


def records(out: Path) -> Rows:
    """All records, by image."""
    return query(out, "SELECT * FROM records ORDER BY image")


def images(out: Path, name: str, count: int = COUNT) -> bytes:
    """All images of a column, bit for bit."""
    return read_images(out, name, range(count)).tobytes()
