"""What a survey found, in a few tables: distributions over all images and by class, and who is mistaken for whom."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fiberscope.survey.database import Database
from fiberscope.survey.reading import open_records

_EXTREMES = 5


class SummaryTable(NamedTuple):
    """A title, the heads of columns, and cells in words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def summary(folder: Path) -> tuple[SummaryTable, ...]:
    """Quartiles of the main columns over all images and by class, the most and least blind images, and collisions.

    It can be asked while the survey runs, of the images that have records.
    """
    with open_records(folder) as database:
        main = [str(name) for (name,) in database.ask("SELECT name FROM columns WHERE main ORDER BY place").rows]
        there = {str(name) for (name,) in database.ask("SELECT name FROM columns").rows}
        tables = [_overall(database, main)] if main else []
        if main and _has_labels(database):
            tables.append(_by_class(database, main))
        if "blindness" in there:
            tables += [_extreme(database, "Most blind", "ASC"), _extreme(database, "Least blind", "DESC")]
        if "verdict" in there:
            tables += [_verdicts(database), _confusion(database)]
    return tuple(tables)


def _overall(database: Database, main: list[str]) -> SummaryTable:
    rows = []
    for name in main:
        quantiles, count = database.ask(
            f'SELECT quantile_cont("{name}", [0.0, 0.25, 0.5, 0.75, 1.0]), count("{name}") FROM records'
        ).rows[0]
        rows.append((name, *(_number(value) for value in quantiles or [None] * 5), str(count)))
    return SummaryTable(
        "Over all images",
        ("column", "least", "lower quartile", "median", "upper quartile", "most", "images"),
        tuple(rows),
    )


def _by_class(database: Database, main: list[str]) -> SummaryTable:
    quartiles = ", ".join(f'quantile_cont("{name}", [0.25, 0.5, 0.75])' for name in main)
    found = database.ask(f"SELECT label, count(*), {quartiles} FROM records GROUP BY label ORDER BY label").rows
    rows = tuple((name, *(_three(each[2 + place]) for each in found)) for place, name in enumerate(main))
    heads = tuple("no label" if each[0] is None else str(each[0]) for each in found)
    return SummaryTable("By class: median (quartiles)", ("column", *heads), rows)


def _extreme(database: Database, title: str, order: str) -> SummaryTable:
    found = database.ask(
        "SELECT name, label, partner_label, blindness, distance FROM records "
        f"WHERE search = 'converged' AND blindness IS NOT NULL ORDER BY blindness {order}, image LIMIT {_EXTREMES}"
    ).rows
    rows = tuple((str(name), _word(own), _word(other), _number(b), _number(d)) for name, own, other, b, d in found)
    return SummaryTable(title, ("image", "label", "partner's label", "blindness", "distance"), rows)


def _verdicts(database: Database) -> SummaryTable:
    found = database.ask("SELECT verdict, count(*) FROM records GROUP BY verdict ORDER BY verdict").rows
    return SummaryTable("Verdicts", ("verdict", "images"), tuple((_word(word), str(count)) for word, count in found))


def _confusion(database: Database) -> SummaryTable:
    """Collisions: what the network sees against what judges see in the same image."""
    found = database.ask(
        "SELECT seen_class, judged_class, count(*) FROM records WHERE verdict = 'collision' GROUP BY ALL"
    ).rows
    counts = {(seen, judged): count for seen, judged, count in found}
    seen, judged = (sorted({pair[side] for pair in counts}) for side in (0, 1))
    rows = tuple((str(row), *(str(counts.get((row, column), 0)) for column in judged)) for row in seen)
    return SummaryTable(
        "Collisions: class that the network sees (rows) by class that judges see",
        ("network", *(str(column) for column in judged)),
        rows,
    )


def _has_labels(database: Database) -> bool:
    return bool(database.ask("SELECT count(label) FROM records").rows[0][0])


def _three(quartiles: list[float] | None) -> str:
    if quartiles is None:
        return ""
    low, middle, high = map(_number, quartiles)
    return f"{middle} ({low} to {high})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _word(value: object) -> str:
    return "" if value is None else str(value)
