"""Run a survey, or go on with it: every image once, whatever ended the runs before."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.run_folder import open_folder
from fiberscope.analysis.survey_choices import EngineChoice, SurveyChoice
from fiberscope.problem import FiberscopeError
from fiberscope.survey.damage import check_images
from fiberscope.survey.engines import Engine, open_engine
from fiberscope.survey.live import Live, Medians, live_columns
from fiberscope.survey.lock import alone_in
from fiberscope.survey.measures import is_portable
from fiberscope.survey.plan import PLAN, Opened, Plan, make_plan, read_plan, write_plan
from fiberscope.survey.reading import open_records
from fiberscope.survey.reopen import refuse_changed_files, refuse_other, reopen
from fiberscope.survey.store import RECORDS, close_quietly, make_store
from fiberscope.survey.stored import Fault, Stored, joined, read_all, read_stored, size
from fiberscope.survey.tasks import GivenUp
from fiberscope.survey.trust import python_files, refuse_strangers, remember
from fiberscope.survey.uninterrupted import uninterrupted
from fiberscope.survey.worker import OpenWorker, nothing_of


@dataclass(frozen=True)
class Progress:
    """How far a survey is: images with records, those of them in which a measure failed, and the pace of this run.

    ``medians`` of a few columns over all records are there now and then. ``mended`` are images that were stored and
    are computed anew, since their records or arrays were damaged.
    """

    done: int
    total: int
    failed: int
    rate: float
    medians: Medians = ()
    mended: tuple[Fault, ...] = ()

    @property
    def seconds_left(self) -> float | None:
        """At the pace of this run; None before there is one."""
        return (self.total - self.done) / self.rate if self.rate else None


OnProgress = Callable[[Progress], None]


def run_survey(
    choice: SurveyChoice,
    network: NetworkChoice = NetworkChoice(),  # noqa: B008  (a frozen value)
    engine: EngineChoice = EngineChoice(),  # noqa: B008
    *,
    on_progress: OnProgress | None = None,
) -> Progress:
    """Measure every image of a data set, and keep the records in the folder; an interrupted survey goes on.

    Raises FiberscopeError for a folder that holds something else, another survey or one that runs, for choices that
    cannot be met, and when the disk is full; KeyboardInterrupt says what is stored.
    """
    folder = choice.out
    if not (folder / PLAN).is_file():
        open_folder(folder)
    chosen = open_engine(engine)
    with alone_in(folder):
        # Asked only now that nobody else can begin one.
        earlier = _read_sound(folder) if (folder / PLAN).is_file() else None
        opened = make_plan(choice, network)
        _refuse_unfit(opened.plan, engine, chosen)
        remember(python_files(opened.plan))  # the user named them: they are resumed without asking
        if earlier is None:
            write_plan(opened.plan, folder)
        else:
            refuse_other(earlier, opened.plan)
        return _go_on(opened, folder, chosen, retry=False, on_progress=on_progress)


def resume_survey(
    folder: Path,
    engine: EngineChoice = EngineChoice(),  # noqa: B008
    *,
    retry_failed: bool = False,
    trust: bool = False,
    on_progress: OnProgress | None = None,
) -> Progress:
    """Measure the images of a survey that have no records yet, or with ``retry_failed`` those that failed, too.

    Python files that its plan names run if the user began the survey, or trusted them before, as they are now;
    ``trust`` says so of those of this survey. Raises FiberscopeError as `run_survey` does, for files that are not
    trusted, and where the network, the images or what computes have changed.
    """
    plan = read_plan(folder)
    chosen = open_engine(engine)
    _refuse_unfit(plan, engine, chosen)
    with alone_in(folder):
        plan = _read_sound(folder)
        refuse_changed_files(plan)
        if trust:
            remember(python_files(plan))
        else:
            refuse_strangers(plan, argument="out", again=f"fiberscope survey resume --trust --out {quote(str(folder))}")
        return _go_on(reopen(plan), folder, chosen, retry=retry_failed, on_progress=on_progress)


def _go_on(opened: Opened, folder: Path, engine: Engine, *, retry: bool, on_progress: OnProgress | None) -> Progress:
    plan = opened.plan
    there = _stored(opened, folder)
    store = make_store(opened, folder)
    kept = {start: task for start, task in there.tasks.items() if not (retry and task.failed)}
    todo = (task for task in plan.tasks if task.start not in kept)
    done, failed = size(kept.values()), sum(task.failed for task in kept.values())
    began, before = time.monotonic(), done
    progress, live = Progress(done, plan.images, failed, 0.0, mended=there.faults), Live(store, live_columns(opened))
    tell = on_progress or (lambda _: None)
    tell(progress)
    try:
        for found in engine.run(todo, OpenWorker(plan, opened), threads=plan.threads):
            finished = nothing_of(opened, found) if isinstance(found, GivenUp) else found
            with uninterrupted():
                store.write(finished)
                done += len(finished.names)
                failed += sum(error is not None for error in finished.errors)
                medians = live.medians()
            rate = (done - before) / max(time.monotonic() - began, 1e-9)
            progress = Progress(done, plan.images, failed, rate, medians, there.faults)
            tell(progress)
        store.close()
    except KeyboardInterrupt:
        with suppress(KeyboardInterrupt), uninterrupted():  # a second one changes nothing
            close_quietly(store)
        raise KeyboardInterrupt(
            f"interrupted: {done} of {plan.images} images are stored in {folder}; go on with: fiberscope survey resume "
            f"--out {quote(str(folder))}"
        ) from None
    except BaseException:
        close_quietly(store)
        raise
    return progress


def _read_sound(folder: Path) -> Plan:
    """The plan of a folder, if it is the one that its records were begun with."""
    plan = read_plan(folder)
    if (folder / RECORDS).exists():
        open_records(folder).close()
    return plan


def _stored(opened: Opened, folder: Path) -> Stored:
    """Read what is stored, without the tasks of which a record or an image is damaged."""
    if not (folder / RECORDS).exists():
        return Stored({}, ())
    with open_records(folder) as database:
        read_all(database)
        stored = read_stored(database, opened.plan)
    names = [column.name for _, column in opened.all_columns if column.kind == "image"]
    sound = stored.without(check_images(folder, opened.plan, stored, names))
    return sound._replace(faults=tuple(joined(sound.faults)))


def _refuse_unfit(plan: Plan, choice: EngineChoice, engine: Engine) -> None:
    strangers = [name for name in plan.measures if not is_portable(name)]
    if strangers and not engine.shares_memory:
        raise FiberscopeError(
            f"measures: {', '.join(strangers)} is known to this process alone. Name it as file.py:factory, or use the "
            "engine local."
        )
    reserved = choice.gpus_per_worker is not None
    if choice.engine == "ray" and reserved != plan.device.startswith("cuda"):
        raise FiberscopeError(
            "gpus-per-worker: GPUs would be reserved, but the survey computes on the cpu. Leave it out, or survey with "
            "--device cuda."
            if reserved
            else f"gpus-per-worker: workers of Ray see the GPUs that are reserved for them alone, and {plan.device} is "
            "asked for. Name how many each worker has, or a share of one such as 0.25."
        )
