"""A study runs: questions one after the other, each answer on disk before the next is asked, one page at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.output import Interrupted
from fiberscope.analysis.provenance import Provenance, timed, versions, write_provenance
from fiberscope.analysis.run_folder import RunFolder
from fiberscope.analysis.study.kept import Kept, keep, open_place, read_kept
from fiberscope.analysis.study.workbench import Workbench
from fiberscope.problem import FiberscopeError
from fiberscope.report import Page, Section, render

REPORT = "report.html"

Step = Callable[[str], AbstractContextManager[None]]
"""Wraps each step of the run, to show its name and its time."""


@runtime_checkable
class Seeded(Protocol):
    """What questions are asked about; its seed decides everything random."""

    @property
    def seed(self) -> int: ...  # noqa: D102


class Question(NamedTuple):
    """The name of its files, the question in short, what is done to answer it, and the function that does."""

    name: str
    words: str
    doing: str
    ask: Callable[[Any], Answer]


class Cover(NamedTuple):
    """What stands on the page before the answers: a title, a lead, and what the study is of."""

    title: str
    lead: str
    subject: tuple[tuple[str, str], ...]


class Done(NamedTuple):
    """Where the page is, what heads it, how many answers were there already, which question failed, and the seconds."""

    report: Path
    facts: tuple[tuple[str, str], ...]
    resumed: int
    failed: tuple[str, ...]
    seconds: float


def run_study(
    study: Seeded,
    questions: Sequence[Question],
    cover: Cover,
    *,
    out: Path,
    force: bool,
    command: str,
    settings: Mapping[str, object],
    step: Step,
) -> Done:
    """Answer the questions into the folder; those that an interrupted run of the same study answered are not asked.

    ``settings`` decide the answers: they, the versions of what computes and the seed are the identity of the study.
    A question that cannot be answered says so on the page. Raises FiberscopeError for a folder that holds something
    else, Interrupted at Ctrl-C.
    """
    begun = time.perf_counter()
    identity = {**settings, "seed": study.seed, "questions": [question.name for question in questions], **versions()}
    place = open_place(out, identity=identity, force=force)
    provenance = Provenance(command, study.seed, settings={"identity": identity})
    workbench = Workbench(place.folder.path)
    if place.begun is None:
        workbench.clear()
        # What is begun says so at once: killed at any moment, the same command goes on.
        write_provenance(place.folder, provenance, files=[], finished=False)
    else:
        provenance = replace(provenance, seconds=place.begun.seconds, started_at=place.begun.started_at)
    kept: list[Kept] = []
    resumed = 0
    try:
        for question in questions:
            there = read_kept(place.folder, question.name) if place.begun else None
            fresh = there is None
            if there is None:
                with step(question.doing), timed(provenance.seconds, question.name):
                    there = keep(place.folder, question.name, _ask(question, study))
                workbench.clear()
            else:
                resumed += 1
            kept.append(there)
            last = len(kept) == len(questions)
            if fresh or last:
                _write_page(place.folder, kept, cover, provenance, finished=last)
        workbench.clear()  # of what was found for an answer that was kept, and then the process killed
    except KeyboardInterrupt:
        raise Interrupted(_account(place.folder, len(kept), len(questions))) from None
    answers = [each.answer for each in kept]
    return Done(
        place.folder.path / REPORT,
        facts=tuple(fact for answer in answers for fact in answer.facts),
        resumed=resumed,
        failed=tuple(answer.failure for answer in answers if answer.failure),
        seconds=time.perf_counter() - begun,
    )


def _ask(question: Question, study: Seeded) -> Answer:
    try:
        return question.ask(study)
    except FiberscopeError as error:
        # One question that such a network or such images do not allow does not take the others with it.
        section = Section(question.words, f"This could not be answered. {error}")
        return Answer((section,), failure=f"{question.name}: {error}")


def _write_page(
    folder: RunFolder, kept: Sequence[Kept], cover: Cover, provenance: Provenance, *, finished: bool
) -> None:
    answers = [each.answer for each in kept]
    page = Page(
        title=cover.title,
        lead=cover.lead,
        facts=tuple(fact for answer in answers for fact in answer.facts),
        sections=tuple(section for answer in answers for section in answer.sections),
        methods=tuple(dict.fromkeys(method for answer in answers for method in answer.methods)),
        provenance=(
            ("command", provenance.command),
            ("started at", provenance.started_at),
            *cover.subject,
            ("seed", str(provenance.seed)),
            *versions().items(),
            ("threads", str(torch.get_num_threads())),
        ),
    )
    folder.write(REPORT, render(page).encode("utf-8", "backslashreplace"))
    files = [REPORT, *(file for each in kept for file in each.files)]
    write_provenance(folder, provenance, files=files, finished=finished)


def _account(folder: RunFolder, done: int, count: int) -> str:
    if not done:
        return "interrupted before the first question was answered: the same command begins again"
    return (
        f"interrupted: {done} of {count} questions are answered and kept in {folder.path / REPORT}; the same command "
        "goes on from there"
    )
