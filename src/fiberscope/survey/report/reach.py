"""How far the images of a survey can be changed in each way before the network takes notice."""

from __future__ import annotations

from typing import NamedTuple

import torch

from fiberscope.analysis.answer import Answer
from fiberscope.gallery import percent, quantile_chart, short_number, to_png
from fiberscope.report import Figure, Section, Table
from fiberscope.survey.measure import slug
from fiberscope.survey.report.view import SPREAD, View
from fiberscope.variations import Variation, variations_for

_METHODS = (
    "An invariance range is the least amount of a variation, upward and downward from none, at which the latent is "
    "farther from that of the image than the median distance of two labelled images of one class. Where that does not "
    "happen within the amounts examined it is infinite, and counts as the whole way.",
)


class _Event(NamedTuple):
    prefix: str
    words: str
    title: str


_EVENTS = (
    _Event("range", "latent moves a within-class distance", "How far a change goes before the latent has moved as far "
           "as within a class"),
    _Event("class_range", "another class is read", "How far a change goes before another class is read"),
)  # fmt: skip


def about_reach(view: View) -> Answer | None:
    """Invariance ranges relative to the amounts examined; None where none was measured."""
    variations = {slug(each.name): each for each in variations_for(view.plan.variations, view.plan.input_shape)}
    there = {name: each for name, each in variations.items() if f"range_{name}_low" in view}
    there = {name: each for name, each in there.items() if view.number(_count(name, "range"))}
    if not there:
        return None
    figures, tables, medians = [], [], {}
    for event in _EVENTS:
        if f"{event.prefix}_{next(iter(there))}_low" not in view:
            continue
        shares = {name: view.quantiles(_nearer(name, each, event.prefix), SPREAD)[0] for name, each in there.items()}
        order = sorted(there, key=lambda name: tuple(shares[name].flip(0).tolist()))
        order.sort(key=lambda name: float(shares[name][2]))
        medians[event.prefix] = {name: float(shares[name][2]) for name in order}
        figures.append(
            _figure(view, event, torch.stack([shares[name] for name in order]), [there[n].name for n in order])
        )
        tables.append(_table(view, event, {name: there[name] for name in order}))
    least = min(medians["range"], key=lambda name: medians["range"][name])
    most = max(medians["range"], key=lambda name: medians["range"][name])
    finding = f"It takes notice of {there[least].name} first: at the {view.noun} in the middle after "
    finding += f"{percent(medians['range'][least])} of the way examined. "
    free = sum(share == 1 for share in medians["range"].values())
    if free:
        finding += f"{free} of {len(there)} kinds of change go the whole way unnoticed at half of the {view.noun}s."
    else:
        finding += f"{there[most].name.capitalize()} goes farthest, {percent(medians['range'][most])}."
    lead = "Each way has its own unit, so ranges are shares of the way that was examined; the tables have the amounts."
    body = (lead, *(part for pair in zip(figures, tables, strict=True) for part in pair))
    return Answer(
        (
            Section(
                f"How far can a {view.noun} be changed before it notices?".replace("a image", "an image"), finding, body
            ),
        ),
        methods=_METHODS,
    )


def _count(name: str, prefix: str) -> str:
    return f'SELECT count(*) FROM records WHERE "{prefix}_{name}_low" IS NOT NULL OR "{prefix}_{name}_high" IS NOT NULL'


def _nearer(name: str, variation: Variation, prefix: str) -> str:
    """The share of the way to the nearer side at which it happens, as SQL; 1 where it does not."""
    sides = []
    for side, end in (("low", variation.low), ("high", variation.high)):
        if end:
            column = f'CAST("{prefix}_{name}_{side}" AS DOUBLE)'
            sides.append(f"CASE WHEN isinf({column}) THEN 1.0 ELSE least(abs({column}) / {abs(end)}, 1.0) END")
    return f"least({', '.join(sides)})" if len(sides) > 1 else sides[0]


def _figure(view: View, event: _Event, shares: torch.Tensor, rows: list[str]) -> Figure:
    return Figure(
        to_png(
            quantile_chart(
                shares, rows=rows, strong=(), shares=True, title=event.title,
                across="share of the way examined, to the nearer side (100 %: it does not happen)",
            )
        ),
        caption=f"At the left what is noticed soon, at the right what can be done to most {view.noun}s unnoticed.",
        alt=f"A row for each of {len(rows)} kinds of change: the share of the way at which the {event.words}.",
    )  # fmt: skip


def _table(view: View, event: _Event, variations: dict[str, Variation]) -> Table:
    rows = []
    for name, each in variations.items():
        ends = [_side(view, f"{event.prefix}_{name}_{side}") for side in ("low", "high")]
        infinite = " AND ".join(
            f'(isinf("{event.prefix}_{name}_{side}") OR "{event.prefix}_{name}_{side}" IS NULL)'
            for side in ("low", "high")
        )
        known = view.number(_count(name, event.prefix))
        never = view.number(f"SELECT count(*) FILTER ({infinite}) FROM ({_count_rows(name, event.prefix)})")
        amounts = f"{short_number(each.low)} to {short_number(each.high)} {each.unit}".strip()
        rows.append((each.name, amounts, *ends, percent(never / known) if known else "–"))
    return Table(
        ("change", "examined", "downward (median)", "upward (median)", "unnoticed throughout"),
        tuple(rows),
        f"Amounts at which {'the ' if event.prefix == 'range' else ''}{event.words}, in the unit of each change.",
    )


def _count_rows(name: str, prefix: str) -> str:
    return _count(name, prefix).replace("count(*)", "*")


def _side(view: View, column: str) -> str:
    # A quantile that is one of the values: between a number and infinity lies none.
    median = view.database.ask(f'SELECT quantile_disc(CAST("{column}" AS DOUBLE), 0.5) FROM records').rows[0][0]
    if median is None:
        return "–"
    return "not within" if median in (float("inf"), float("-inf")) else short_number(float(median))
