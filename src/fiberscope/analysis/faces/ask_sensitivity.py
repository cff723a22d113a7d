"""Is the network as blind to light and pose as it should be: at once, and along each variation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.statistics import over_people
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.faces.verification import Along, verify_along
from fiberscope.analysis.records import Records, Value
from fiberscope.gallery import Mark, filmstrip, quartile_chart, short_number, to_png
from fiberscope.report import Figure, Section, Table

PER_SIDE = 2
_SIDE = 112  # device pixels of a face among all variations: the sheet is tall


def ask_sensitivity(study: FaceStudy) -> Answer:
    """How far the embedding moves for each change, in units of a change of person."""
    sight = study.sight
    names = [variation.name for variation in study.variations]
    values = torch.cat([sight.relative, sight.same_person[:, None], sight.random[:, None]], dim=1)
    rows = [*names, "another picture of the person", "white noise"]
    order = values.nanmedian(dim=0).values.argsort(descending=True).tolist()
    spread = torch.tensor([0.25, 0.5, 0.75])
    quartiles = torch.stack([torch.nanquantile(values[:, i], spread) for i in order])
    estimates = [over_people(values[:, i], of="median") for i in order]
    figure = _chart(quartiles, [rows[i] for i in order], people=len(values))
    table = Table(
        ("change", "median (95 % interval)"),
        tuple((rows[i], estimate.words()) for i, estimate in zip(order, estimates, strict=True)),
        "Relative sensitivity |J t| / |t|, divided by the median of the same over changes of person at that picture.",
    )
    places = {rows[i]: estimate for i, estimate in zip(order, estimates, strict=True)}
    most, least = rows[order[0]], rows[order[-1]]
    finding = (
        f"Most visible is {most}, at {places[most].words()} of a change of person, least {least}, at "
        f"{places[least].words()}. Light azimuth stands at {places['light azimuth'].words()}, yaw at "
        f"{places['yaw'].words()}, another picture of the same person at "
        f"{places['another picture of the person'].words()}."
    )
    section = Section("Is it as blind to light and pose as it should be?", finding, (figure, table))
    columns = {"person": "number of the person", **dict.fromkeys(rows, "relative sensitivity")}
    records = Records(columns, tuple((p + 1, *row) for p, row in zip(study.people, values.tolist(), strict=True)))
    return Answer(
        (section,),
        facts=(("sensitivity to the lamp's azimuth, of a change of person", places["light azimuth"].headline()),),
        figures={"sensitivity.png": figure},
        records={"sensitivity": records},
    )


def _chart(quartiles: Float[Tensor, "row 3"], rows: list[str], *, people: int) -> Figure:
    chart = quartile_chart(
        quartiles[None],
        series=["embedding"],
        rows=rows,
        across="sensitivity in units of a change of person",
        title="What moves the embedding",
        marks=(Mark(1.0, "a change of person"),),
        note=f"Dot: median over {people} people; line: quartiles.",
    )
    return Figure(
        to_png(chart),
        caption="For one unit of change of the picture, how far the embedding moves along each named change, beside "
        "what it moves toward pictures of other people: 1 is as visible as another person, 0 is not seen at all.",
        alt="A dot with a line for each variation on an axis from zero.",
    )


def ask_ranges(study: FaceStudy) -> Answer:
    """How well people are known again when one of the two pictures is changed."""
    found = [verify_along(study, variation, per_side=PER_SIDE) for variation in study.variations]
    rows = [_row(along, study) for along in found]
    film = _film(study)
    table = Table(
        ("variation", "from", "to", "own pictures accepted at the ends", "at half way", "area under the ROC curve"),
        tuple((*row.words,) for row in sorted(rows, key=lambda row: row.worst)),
        f"{len(study.people)} people, one picture each, changed, against all other pictures, unchanged; accepted above "
        f"the cosine {study.threshold:.2f}. Of two ends the worse one counts. Worst first; 95 % intervals over people.",
    )
    worst = min(rows, key=lambda row: row.worst)
    unchanged = over_people(found[0].verified[found[0].amounts.index(0.0)].accepted).words(0, percent=True)
    section = Section(
        "How far does each change go before people are not known again?",
        f"Unchanged, {unchanged} of a person's other pictures are accepted. {worst.words[0]} costs most: at its end "
        f"{worst.words[3]}.",
        (film, table),
    )
    columns = {
        "variation": "its name",
        "unit": "of the amount",
        "amount": "how much of it",
        "auc": "area under the ROC curve, mean over people",
        "accepted": "share of own pictures above the threshold, mean over people",
        "false_accepted": "share of other people's pictures above it",
        "first": "share of people whose most alike picture is theirs",
    }
    records: tuple[tuple[Value, ...], ...] = tuple(
        (along.variation.name, along.variation.unit, amount, *(float(values.mean()) for values in verified))
        for along in found
        for amount, verified in zip(along.amounts, along.verified, strict=True)
    )
    return Answer((section,), figures={"ranges.png": film}, records={"ranges": Records(columns, records)})


class _Row(NamedTuple):
    words: tuple[str, str, str, str, str, str]
    worst: float


def _row(along: Along, study: FaceStudy) -> _Row:
    variation, amounts = along.variation, along.amounts
    ends = [i for i in (0, len(amounts) - 1) if amounts[i] != 0.0]
    end = min(ends, key=lambda i: float(along.verified[i].accepted.mean()))
    half = end + 1 if end == 0 else end - 1
    accepted, between = (over_people(along.verified[i].accepted) for i in (end, half))
    area = over_people(along.verified[end].area)
    low, high = (f"{short_number(amount)} {variation.unit}" for amount in (variation.low, variation.high))
    shares = (accepted.words(0, percent=True), between.words(0, percent=True), area.words(3))
    return _Row((variation.name, low, high, *shares), accepted.value)


def _film(study: FaceStudy) -> Figure:
    """One face under every variation, end to end."""
    face = study.probes[:1]
    shares = (-1.0, -0.5, 0.0, 0.5, 1.0)
    steps = []
    for share in shares:
        amounts = [(v.high if share > 0 else -v.low) * share for v in study.variations]
        varied = [
            v.orbit(face, torch.tensor([amount])).images[0, 0]
            for v, amount in zip(study.variations, amounts, strict=True)
        ]
        steps.append(torch.stack(varied))
    picture = filmstrip(
        torch.stack(steps),
        row_captions=[f"{v.name}\n{short_number(v.low)} to {short_number(v.high)} {v.unit}" for v in study.variations],
        step_captions=["low end", "", "unchanged", "", "high end"],
        scale=max(1, _SIDE // face.shape[-1]),
        title="What the variations do to a face",
    )
    return Figure(
        to_png(picture),
        caption="Each row is one named change, from one end of its range to the other; in the middle "
        "stands the picture itself.",
        alt="A row of five faces for each variation.",
    )
