"""Two columns of classes against each other: how many images are of which class in both."""

from __future__ import annotations

from typing import NamedTuple

from fiberscope.survey.database import Database

_MOST = 10
_LARGEST = 12


class Confusion(NamedTuple):
    """Names of classes, and images by the class of the one column (rows) and of the other (columns)."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> int:
        """All images counted."""
        return sum(map(sum, self.counts))


def confusion(database: Database, row: str, column: str, *, where: str) -> Confusion:
    """Count images by two columns of classes; of more than ten classes those that occur most, and the rest together."""
    found = database.ask(
        f"SELECT {row}, {column}, count(*) FROM records WHERE ({where}) AND {row} IS NOT NULL AND {column} IS NOT NULL "
        "GROUP BY ALL"
    ).rows
    often: dict[int, int] = {}
    for first, second, count in found:
        for each in (int(first), int(second)):
            often[each] = often.get(each, 0) + int(count)
    shown = sorted(often)
    if len(shown) > _MOST:
        shown = sorted(sorted(often, key=lambda each: (-often[each], each))[:_LARGEST])
    names = tuple(map(str, shown)) + (("others",) if len(shown) < len(often) else ())
    place = {each: shown.index(each) if each in shown else len(shown) for each in often}
    counts = [[0] * len(names) for _ in names]
    for first, second, count in found:
        counts[place[int(first)]][place[int(second)]] += int(count)
    return Confusion(names, tuple(map(tuple, counts)))
