"""The report of a survey: one HTML page in its folder, whatever is stored so far."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.report import Page, Section, render
from fiberscope.survey.lock import is_running
from fiberscope.survey.reading import open_records
from fiberscope.survey.report.blindness import about_blindness
from fiberscope.survey.report.keeping import about_columns, about_failures
from fiberscope.survey.report.others import about_others
from fiberscope.survey.report.reach import about_reach
from fiberscope.survey.report.reading import about_reading
from fiberscope.survey.report.sensitivity import about_sensitivity
from fiberscope.survey.report.sight import about_sight
from fiberscope.survey.report.verdicts import about_verdicts
from fiberscope.survey.report.view import View, open_view, so_far
from fiberscope.whole_file import write_whole

REPORT = "report.html"
_PARTS: tuple[Callable[[View], Answer | None], ...] = (
    about_reading,
    about_sight,
    about_sensitivity,
    about_reach,
    about_blindness,
    about_verdicts,
    about_others,
)


def write(folder: Path, target: Path | None = None) -> Path:
    """Write the page of a survey, by default into its folder."""
    running = is_running(folder)
    with open_records(folder) as database:
        page = make_page(open_view(folder, database, running=running))
    return write_whole(render(page).encode("utf-8", "backslashreplace"), target or folder / REPORT)


def make_page(view: View) -> Page:
    """The page of an open survey: a section for each of its measures."""
    answers = [answer for part in _PARTS if (answer := part(view)) is not None] if view.count else []
    sections = [section for answer in answers for section in answer.sections]
    failures = about_failures(view)
    if not sections:
        sections.append(_nothing(view))
    sections += [failures] if failures else []
    failed = view.number("SELECT count(*) FROM records WHERE error IS NOT NULL")
    facts = [(f"{view.noun}s surveyed", grouped(view.count))]
    if view.count < view.plan.images:
        facts[0] = (f"{view.noun}s so far", f"{grouped(view.count)} of {grouped(view.plan.images)}")
    facts += [(f"{view.noun}s failed", grouped(failed))] if failed else []
    return Page(
        title="What does this network not see, image by image?",
        lead=_lead(view),
        facts=(*facts, *(fact for answer in answers for fact in answer.facts)),
        sections=(*sections, about_columns(view)),
        methods=tuple(dict.fromkeys(method for answer in answers for method in answer.methods)),
        provenance=_provenance(view),
    )


def _lead(view: View) -> str:
    lead = f"{view.plan.model.rpartition('/')[2]} was asked the same about {so_far(view)} of {_short(view.plan.data)}. "
    lead += "Distributions say more than means: here are both ends and the middle, over all and by class."
    return lead + (" The survey is running; this page is of what is stored so far." if view.running else "")


def _nothing(view: View) -> Section:
    if not view.count:
        return Section("What was found?", f"No {view.noun} has a record yet.")
    return Section("What was found?", f"None of {grouped(view.count)} {view.noun}s has a value in any column measured.")


def _provenance(view: View) -> tuple[tuple[str, str], ...]:
    plan = view.plan
    seconds = float(view.database.ask("SELECT sum(seconds) FROM tasks").rows[0][0] or 0.0)
    known = (
        ("network", f"{plan.model} at {plan.layer}"),
        ("weights", str(plan.weights) if plan.weights else ""),
        ("network, SHA-256", plan.network_sha256),
        ("file of the network, SHA-256", plan.model_file_sha256 or ""),
        ("input", f"{' × '.join(map(str, plan.input_shape))}, {plan.dtype}, {plan.device}"),
        ("data", plan.data),
        ("data, SHA-256", plan.data_sha256),
        ("labelled images", plan.labelled or ""),
        ("labelled images, SHA-256", plan.reference_sha256),
        ("judges", ", ".join(plan.judges)),
        ("judges, SHA-256", plan.judges_sha256 or ""),
        ("measures", ", ".join(plan.measures)),
        ("images a task", str(plan.batch_size)),
        ("seed", str(plan.seed)),
        *plan.versions.items(),
        ("seconds of computing, on one thread", f"{seconds:.1f}"),
        ("page written at", datetime.now(UTC).isoformat(timespec="seconds")),
    )
    return tuple((name, value) for name, value in known if value)


def _short(data: str) -> str:
    return data.rstrip("/").rpartition("/")[2] or data
