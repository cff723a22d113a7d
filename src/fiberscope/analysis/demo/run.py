"""The demo: a short study of ten digits, with a page that a student can read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from fiberscope import models
from fiberscope.analysis.answer import grouped
from fiberscope.analysis.demo.ten_digits import open_ten_digits
from fiberscope.analysis.study.identity import identify
from fiberscope.analysis.study.kept import check_place
from fiberscope.analysis.study.natural import ask_natural
from fiberscope.analysis.study.questions import choose
from fiberscope.analysis.study.run import Cover, Done, Question, Step, run_study
from fiberscope.analysis.study.study import Study
from fiberscope.problem import FiberscopeError

_ROWS = 4
_MEMBERS = 6
_NUM_STEPS = 12


def _shortened(question: Question) -> Question:
    """The rows of a generator cost the most, and a few show as much."""
    if question.name != "natural":
        return question
    return question._replace(ask=partial(ask_natural, members=_MEMBERS, most_rows=_ROWS, num_steps=_NUM_STEPS))


QUESTIONS = tuple(
    _shortened(question)
    for question in choose(("recognition", "sight", "variations", "walks", "pairs", "wanted", "natural", "match"))
)

_LOAD = "load the classifier and the test digits"


class Demo(NamedTuple):
    """What was found, how often the network reads the test set right, and how long all of it took."""

    done: Done
    accuracy: float
    seconds: float


def run_demo(out: Path, *, seed: int, force: bool, command: str, step: Step) -> Demo:
    """Answer some questions about ten digits into the folder: one page, its pictures, arrays, tables and provenance.

    Raises FiberscopeError when the folder holds a result and ``force`` is not given, Interrupted on Ctrl-C; the same
    command then goes on where it stopped.
    """
    if not 0 <= seed < 2**63:
        raise FiberscopeError(f"seed: expected a number from 0 to 2**63 - 1, found {seed}. Leave it out for 0.")
    begun = time.perf_counter()
    check_place(out, force=force)
    with _one_thread():
        with step(_LOAD):
            study, network = open_ten_digits(seed=seed)
        done = run_study(
            study,
            QUESTIONS,
            _cover(study),
            out=out,
            force=force,
            command=command,
            settings=identify(study, layer=network.layer),
            step=step,
        )
    return Demo(done, float(study.hits.double().mean()), time.perf_counter() - begun)


def _cover(study: Study) -> Cover:
    return Cover(
        title="Which digits can a network not tell apart?",
        lead="A network that reads handwritten digits keeps a few numbers of each image and forgets the rest. So "
        "there are families of images that are one and the same to it. This page walks through them, digit by digit.",
        subject=(
            ("network", f"{study.model}, weights SHA-256 {models.card(study.model).sha256}"),
            ("data", f"{study.data.name}, {grouped(len(study.data.labels))} images"),
            ("the ten", ", ".join(study.images.names)),
        ),
    )


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
