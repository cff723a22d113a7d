"""Columns that no section of their own tells of: measures of a user's own."""

from __future__ import annotations

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.gallery import histograms, quantile_chart, to_png
from fiberscope.report import Figure, Section, Table
from fiberscope.survey.report.view import QUARTILES, Info, View
from fiberscope.survey.report.words import three

_SHIPPED = ("survey", "recognition", "spectrum", "variations", "ranges", "nearest", "collisions")
_MOST_CHARTS = 6
_MOST_NUMBERS = 60
_MOST_WORDS = 8


def about_others(view: View) -> Answer | None:
    """Distributions of what is measured besides; None where there is nothing."""
    own = [info for info in view.columns.values() if info.measure not in _SHIPPED]
    if "network_class" not in view and "latent_norm" in view:
        own.insert(0, view.columns["latent_norm"])
    numbers = [info for info in own if info.is_number and view.known(info.name)]
    texts = [info for info in own if info.type == "VARCHAR" and view.known(info.name)]
    if not numbers and not texts:
        return None
    main = [info for info in numbers if info.main] or numbers
    body: list[str | Figure | Table] = []
    if numbers:
        body += [_histograms(view, main[: 2 * _MOST_CHARTS]), *(_chart(view, each) for each in main[:_MOST_CHARTS])]
        body.append(_table(view, numbers[:_MOST_NUMBERS]))
    body += [_words(view, info) for info in texts[:_MOST_CHARTS]]
    names = ", ".join(info.name for info in (*numbers, *texts)[:_MOST_CHARTS])
    more = len(numbers) + len(texts) - _MOST_CHARTS
    told = f"{names}{f' and {more} more' if more > 0 else ''}"
    return Answer((Section("What else was measured?", f"Distributions of {told}.", tuple(body)),))


def _histograms(view: View, columns: list[Info]) -> Figure:
    parts = [part for part in (view.histogram(info.name) for info in columns) if part is not None]
    return Figure(
        to_png(histograms(parts, title=f"How the {view.noun}s are distributed")),
        caption=f"Each bar counts {view.noun}s; the line is their median. The few farthest out stand in the end bars.",
        alt=f"Histograms of {', '.join(info.name for info in columns)}.",
    )


def _chart(view: View, info: Info) -> Figure:
    across = f"{info.name} ({info.unit})" if info.unit else info.name
    chart = quantile_chart(
        view.quantiles(f'"{info.name}"'), rows=view.rows, across=across, title=info.name, shares=info.is_share
    )
    return Figure(
        to_png(chart), f"{info.name}: {info.meaning}.", f"A row for each class with the quantiles of {info.name}."
    )


def _table(view: View, columns: list[Info]) -> Table:
    rows = []
    for info in columns:
        found = view.quantiles(f'"{info.name}"', QUARTILES)[0]
        rows.append((info.name, info.unit, grouped(view.known(info.name)), three(found, shares=info.is_share)))
    return Table(
        ("column", "unit", f"{view.noun}s", "median (middle half)"),
        tuple(rows),
        f"Over all {view.noun}s that have a value.",
    )


def _words(view: View, info: Info) -> Table:
    rows = view.database.ask(
        f'SELECT "{info.name}", count(*) FROM records WHERE "{info.name}" IS NOT NULL GROUP BY 1 '
        "ORDER BY 2 DESC, 1 LIMIT ?",
        (_MOST_WORDS,),
    ).rows
    return Table(
        (info.name, f"{view.noun}s"),
        tuple((str(word), int(count)) for word, count in rows),
        f"{info.meaning.capitalize()}.",
    )
