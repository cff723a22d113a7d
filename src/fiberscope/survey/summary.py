"""What a survey found, in a few tables: distributions over all images and by class, and who is mistaken for whom."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fiberscope.survey.confusion import confusion
from fiberscope.survey.database import Database
from fiberscope.survey.groups import Groups, find_groups
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
        groups = find_groups(database)
        if main and groups.names:
            tables.append(_by_class(database, main, groups))
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


def _by_class(database: Database, main: list[str], groups: Groups) -> SummaryTable:
    rows = []
    for name in main:  # one at a time: quantiles hold all values of a column
        sql = f'SELECT {groups.sql} AS g, quantile_cont("{name}", [0.25, 0.5, 0.75]) FROM records GROUP BY g'
        found = dict(database.ask(sql).rows)
        rows.append((name, *(_three(found.get(place)) for place in range(len(groups.names)))))
    return SummaryTable("By class: median (quartiles)", ("column", *groups.names), tuple(rows))


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
    found = confusion(database, "seen_class", "judged_class", where="verdict = 'collision'")
    rows = tuple((name, *map(str, counts)) for name, counts in zip(found.names, found.counts, strict=True))
    return SummaryTable(
        "Collisions: class that the network sees (rows) by class that judges see",
        ("network", *found.names),
        rows,
    )


def _three(quartiles: list[float] | None) -> str:
    if quartiles is None:
        return ""
    low, middle, high = map(_number, quartiles)
    return f"{middle} ({low} to {high})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _word(value: object) -> str:
    return "" if value is None else str(value)
