"""The demo: questions asked one after the other, each answer on disk before the next is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.demo.page import compose
from fiberscope.analysis.demo.pairs_answer import ask_pairs
from fiberscope.analysis.demo.recognition import ask_recognition
from fiberscope.analysis.demo.sight_answer import ask_sight
from fiberscope.analysis.demo.stage import MODEL, Stage, set_stage
from fiberscope.analysis.demo.walks_answer import ask_walks
from fiberscope.analysis.output import Interrupted
from fiberscope.analysis.provenance import Provenance, timed, write_provenance
from fiberscope.analysis.run_folder import RunFolder, open_folder
from fiberscope.problem import FiberscopeError
from fiberscope.report import render

REPORT = "report.html"
ARRAYS = "arrays.npz"

_LOAD = "load the classifier and the test digits"
QUESTIONS: tuple[tuple[str, Callable[[Stage], Answer]], ...] = (
    ("show ten digits", ask_recognition),
    ("split what the network sees from what it cannot see", ask_sight),
    ("walk along the fibers, corrected and straight", ask_walks),
    ("find the metamers: looks like one digit, is another", ask_pairs),
)

Step = Callable[[str], AbstractContextManager[None]]
"""Wraps each step of the run, to show its name and its time."""


class Demo(NamedTuple):
    """Where the page is, how often the network reads the test set right, and how long all of it took."""

    report: Path
    accuracy: float
    seconds: float


def run_demo(out: Path, *, seed: int, force: bool, command: str, step: Step) -> Demo:
    """Answer every question about ten digits into the folder: one page, its pictures, arrays and provenance.

    Raises FiberscopeError when the folder holds a result and ``force`` is not given, Interrupted on Ctrl-C; the page
    then answers the questions that were finished.
    """
    if not 0 <= seed < 2**63:
        raise FiberscopeError(f"seed: expected a number from 0 to 2**63 - 1, found {seed}. Leave it out for 0.")
    begun = time.perf_counter()
    folder = open_folder(out, force=force)
    provenance = Provenance(command, seed, settings={"model": MODEL})
    answers: list[Answer] = []
    try:
        with _one_thread():
            with step(_LOAD), timed(provenance.seconds, _LOAD):
                stage = set_stage(seed=seed)
            for name, ask in QUESTIONS:
                with step(name):
                    with timed(provenance.seconds, name):
                        answer = ask(stage)
                    _write(folder, stage, [*answers, answer], provenance)
                answers.append(answer)
    except KeyboardInterrupt:
        raise Interrupted(_account(folder, len(answers))) from None
    return Demo(folder.path / REPORT, stage.accuracy, time.perf_counter() - begun)


@contextmanager
def _one_thread() -> Iterator[None]:
    # The bits of a sum depend on how many threads share it. And for ten images threads cost more than they give: on two
    # busy cores two of them took eleven times as long as one.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _write(folder: RunFolder, stage: Stage, answers: Sequence[Answer], provenance: Provenance) -> None:
    pictures = {name: figure.image for answer in answers for name, figure in answer.figures.items()}
    for name, content in pictures.items():
        folder.write(name, content)
    folder.write(ARRAYS, _to_npz(answers))
    folder.write(REPORT, render(compose(stage, answers, provenance)).encode())
    finished = len(answers) == len(QUESTIONS)
    write_provenance(folder, provenance, files=[REPORT, ARRAYS, *pictures], finished=finished)


def _to_npz(answers: Sequence[Answer]) -> bytes:
    buffer = BytesIO()
    arrays = {name: values.numpy() for answer in answers for name, values in answer.arrays.items()}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _account(folder: RunFolder, done: int) -> str:
    if not done:
        return "interrupted before the first step was finished: nothing was written"
    return f"interrupted: {done} of {len(QUESTIONS)} steps were finished and kept in {folder.path / REPORT}"
