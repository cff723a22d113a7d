"""A survey as its report reads it: the plan, the columns, the groups, and distributions by SQL.

One column is read at a time, so that memory does not grow with the number of columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from fiberscope.analysis.answer import grouped
from fiberscope.gallery import Histogram, percent, short_number
from fiberscope.survey.database import Database
from fiberscope.survey.groups import Groups, find_groups
from fiberscope.survey.plan import Plan, read_plan

SPREAD = (0.05, 0.25, 0.5, 0.75, 0.95)
QUARTILES = (0.25, 0.5, 0.75)
_BINS = 24
_MOST_WHOLE = 40  # bars of a column of whole numbers
_DECADES = 30.0  # from here on bins are powers
_TAIL = 0.002  # images at each end that may stand in a bin of their own
_SHARES = ("share", "probability")
_RATIOS = ("nearest",)  # whose shares are ratios of distances


class Info(NamedTuple):
    """A column as the survey describes it."""

    name: str
    measure: str
    type: str
    unit: str
    meaning: str
    main: bool

    @property
    def is_number(self) -> bool:
        """Whether it has quantiles."""
        return self.type in ("FLOAT", "DOUBLE", "BIGINT")

    @property
    def is_share(self) -> bool:
        """Whether it is read in percent."""
        return self.unit in _SHARES and self.measure not in _RATIOS

    def words(self, value: float) -> str:
        """A value in a line of text."""
        return "not known" if math.isnan(value) else percent(value) if self.is_share else short_number(value)


@dataclass(frozen=True, eq=False)
class View:
    """An open survey. ``count`` are the images with records, ``running`` says whether more are coming."""

    folder: Path
    plan: Plan
    database: Database
    columns: Mapping[str, Info]
    groups: Groups
    count: int
    running: bool

    @property
    def noun(self) -> str:
        """What one image is called."""
        return "digit" if self.plan.data.split(":")[0] == "mnist" else "image"

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def of_measure(self, name: str) -> tuple[Info, ...]:
        """The columns of a measure that ships."""
        return tuple(info for info in self.columns.values() if info.measure == name)

    def number(self, sql: str) -> int:
        """A whole number that a statement finds; 0 for none."""
        return int(self.database.ask(sql).rows[0][0] or 0)

    def known(self, name: str) -> int:
        """Images at which the column has a value."""
        return self.number(f'SELECT count("{name}") FROM records')

    def quantiles(self, value: str, levels: Sequence[float] = SPREAD) -> Float64[Tensor, "row level"]:
        """Quantiles of an SQL expression over all images, then by group; NaN where none has a finite value."""
        inner = f"SELECT {self.groups.sql} AS g, CAST({value} AS DOUBLE) AS v FROM records"
        rows = self.database.ask(
            f"SELECT g, quantile_cont(v, {list(levels)}) FROM ({inner}) WHERE isfinite(v) "
            "GROUP BY GROUPING SETS ((), (g))"
        ).rows
        found = torch.full((1 + len(self.groups.names), len(levels)), math.nan, dtype=torch.float64)
        for group, values in rows:
            place = 0 if group is None else 1 + int(group)
            if values is not None and place < len(found):
                found[place] = torch.tensor(values, dtype=torch.float64)
        return found

    def by_group(self, sum_of: str) -> list[tuple[int, int]]:
        """Images for which an SQL condition is true, and for which it is known; over all, then by group."""
        inner = f"SELECT {self.groups.sql} AS g, ({sum_of}) AS v FROM records"
        rows = self.database.ask(
            f"SELECT g, count(*) FILTER (v), count(v) FROM ({inner}) GROUP BY GROUPING SETS ((), (g))"
        ).rows
        found = [(0, 0)] * (1 + len(self.groups.names))
        for group, true, known in rows:
            place = 0 if group is None else 1 + int(group)
            if place < len(found):
                found[place] = (int(true), int(known))
        return found

    @property
    def rows(self) -> tuple[str, ...]:
        """Words for all images, and for each group."""
        return (f"all {self.noun}s", *self.groups.names)

    def histogram(self, name: str, *, heading: str = "") -> Histogram | None:
        """A column over all images, None where nothing is known; the few farthest out are in the bins at the ends."""
        info = self.columns[name]
        value = f'CAST("{name}" AS DOUBLE)'
        levels = [_TAIL, 0.5, 1 - _TAIL]
        ends = self.database.ask(
            f"SELECT min(v), max(v), quantile_cont(v, {levels}) FROM (SELECT {value} AS v FROM records) "
            "WHERE isfinite(v)"
        ).rows[0]
        if ends[0] is None:
            return None
        least, most, (low, median, high) = float(ends[0]), float(ends[1]), map(float, ends[2])
        across = "" if info.is_share or not info.unit else info.unit
        if info.type == "BIGINT" and most - least < _MOST_WHOLE:
            edges = torch.arange(least - 1.5, most + 2, dtype=torch.float64)
        else:
            edges = _edges(low if low < high else least, high if low < high else most)
        log = bool(edges[0] > 0 and edges[-1] / edges[0] > _DECADES)
        counts = self._counts(value, edges, log=log)
        return Histogram(heading or info.name, edges, counts, median, across, log=log, shares=info.is_share)

    def _counts(self, value: str, edges: Float[Tensor, " edge"], *, log: bool) -> Tensor:
        scaled = edges.log10() if log else edges
        low, width, bins = float(scaled[0]), float(scaled[1] - scaled[0]), len(edges) - 1
        at = f"log10(greatest(v, {float(edges[0])}))" if log else "v"
        place = f"greatest(0, least({bins - 1}, CAST(floor(({at} - ({low})) / {width}) AS BIGINT)))"
        rows = self.database.ask(
            f"SELECT {place}, count(*) FROM (SELECT {value} AS v FROM records) WHERE isfinite(v) GROUP BY 1"
        ).rows
        counts = torch.zeros(bins, dtype=torch.int64)
        for bin_, count in rows:
            counts[int(bin_)] = int(count)
        return counts


def open_view(folder: Path, database: Database, *, running: bool) -> View:
    """Read what a report needs to know before it asks for distributions."""
    rows = database.ask("SELECT name, measure, type, unit, meaning, main FROM columns ORDER BY place").rows
    columns = {
        str(name): Info(str(name), str(measure), str(type_), str(unit), str(meaning), bool(main))
        for name, measure, type_, unit, meaning, main in rows
    }
    count = int(database.ask("SELECT count(*) FROM records").rows[0][0])
    return View(folder, read_plan(folder), database, columns, find_groups(database), count, running)


def so_far(view: View) -> str:
    """How many images the page is about."""
    total = view.plan.images
    if view.count == total:
        return f"all {grouped(total)} {view.noun}s" if total > 1 else f"one {view.noun}"
    return f"{grouped(view.count)} of {grouped(total)} {view.noun}s so far"


def _edges(low: float, high: float) -> Float64[Tensor, " edge"]:
    if low > 0 and high / low > _DECADES:
        return torch.logspace(math.log10(low), math.log10(high), _BINS + 1, dtype=torch.float64)
    if high <= low:
        room = max(0.05 * abs(low), 1e-6)
        low, high = low - room, high + room
    return torch.linspace(low, high, _BINS + 1, dtype=torch.float64)
