"""What failed and why, what every column means, and how to ask the records more."""

from __future__ import annotations

import re
from shlex import quote

from fiberscope.analysis.answer import grouped
from fiberscope.report import Code, Section, Table
from fiberscope.survey.report.view import Info, View
from fiberscope.survey.report.words import share_of

_MOST_REASONS = 20
_NUMBERED = re.compile(r"s\d+")
_ALIKE = re.compile(r"(class_range_|range_|sensitivity_)(.+?)(_low|_high)?")


def about_failures(view: View) -> Section | None:
    """Which measures failed, how often and why; None where none did."""
    failed = view.number("SELECT count(*) FROM records WHERE error IS NOT NULL")
    if not failed:
        return None
    rows = view.database.ask(
        "SELECT error, count(*), min_by(name, image) FROM records WHERE error IS NOT NULL GROUP BY 1 "
        "ORDER BY 2 DESC, 1 LIMIT ?",
        (_MOST_REASONS,),
    ).rows
    table = Table(
        ("reason", f"{view.noun}s", "such as"),
        tuple((str(reason), int(count), str(name)) for reason, count, name in rows),
        "Why a measure could not be computed, most frequent first; what else was measured there is kept.",
    )
    again = Code(f"fiberscope survey resume --retry-failed --out {quote(str(view.folder))}")
    return Section(
        "What could not be computed?",
        f"A measure failed at {share_of(failed, view.count)} of the {view.noun}s.",
        (table, "What failed is tried again by:", again),
    )


def about_columns(view: View) -> Section:
    """Every column with unit and meaning, and how to ask more of them."""
    rows: list[tuple[str, str, str, str]] = []
    told: set[str] = set()
    for info in view.columns.values():
        name, row = _row(info)
        if name not in told:
            rows.append(row)
        told.add(name)
    table = Table(
        ("column", "measure", "unit", "meaning"),
        tuple(rows),
        "Columns of the table records; those of images are arrays in arrays.zarr.",
    )
    count = len(view.columns)
    return Section(
        "What does each column mean, and how do I ask more?",
        f"{grouped(count)} columns are kept for every {view.noun}; SQL asks them anything.",
        (
            Code(
                f'fiberscope survey query "{_example(view)}" --out {quote(str(view.folder))}\n'
                f"fiberscope survey export --format parquet --out {quote(str(view.folder))}"
            ),
            "The second line writes one table for other programs. In Python, fiberscope.survey.query gives rows, and "
            "fiberscope.survey.read_images the arrays.",
            table,
        ),
    )


def _row(info: Info) -> tuple[str, tuple[str, str, str, str]]:
    """A name that stands for all columns alike, and the row for them: a hundred rows of one text say less than one."""
    name, unit, meaning = info.name, info.unit or "–", info.meaning
    alike = (
        _ALIKE.fullmatch(name) if info.measure in ("variations", "ranges") and name != "sensitivity_random" else None
    )
    if info.measure == "spectrum" and _NUMBERED.fullmatch(name):
        name, meaning = "s1, s2, …", "singular values of the Jacobian, largest first"
    elif alike is not None:
        first, change, last = alike.groups()
        name = f"{first}<change>{last or ''}"
        meaning = re.sub(rf"(along|of) {change.replace('_', ' ')}", r"\1 the change", meaning)
        meaning = re.sub(r"within \S+ to \S+,", "within the amounts examined,", meaning)
        unit = unit if info.measure == "variations" else "of the change"
    return name, (name, info.measure, unit, meaning)


def _example(view: View) -> str:
    main = [info.name for info in view.columns.values() if info.main]
    if "blindness" in view:
        return "SELECT name, label, blindness FROM records WHERE blindness < 0.3 ORDER BY blindness LIMIT 10"
    if main:
        return f"SELECT label, median({main[0]}) FROM records GROUP BY label ORDER BY label"
    return "SELECT outcome, count(*) FROM records GROUP BY outcome"
