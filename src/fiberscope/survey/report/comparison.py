"""Two surveys of the same images as one page: where they differ, by how much, and at which images most."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from fiberscope.analysis.answer import grouped
from fiberscope.gallery import full_number, heat_chart, paired_chart, percent, short_number, to_png
from fiberscope.report import Figure, Page, Section, Table
from fiberscope.survey.compare import Comparison
from fiberscope.survey.paired import Agreement, Interval, Paired
from fiberscope.survey.report.differences import about_images

_SURE = 0.05
_METHODS = (
    "Both surveys measured the same images, so every image is compared with itself: differences are first minus "
    "second. Intervals hold 95 % of what the mean and the median would be over other such images, by the percentile "
    "bootstrap over images (2,000 resamples, 1,000 beyond 5,000 images; beyond 20,000 the normal interval of the mean "
    "and the order statistics of the median). They say nothing of other networks of the same kind.",
    "The test is Wilcoxon’s signed-rank test of differences symmetric about zero. Its p-values are corrected for the "
    "number of columns by Holm’s method, those by class for columns times classes. Infinite values count where one is "
    "greater than the other, and nowhere else.",
)


def comparison_page(found: Comparison, folders: tuple[Path, Path], names: tuple[str, str]) -> Page:
    """The page of a comparison; ``names`` are what the two surveys are called on it."""
    sections = [_overall(found, names)]
    if found.classes and found.by_class:
        sections.append(_by_class(found, names))
    if found.reading is not None and found.reading.images:
        sections.append(_reading(found.reading, names))
    shown = about_images(found, folders, names)
    sections += [shown] if shown is not None else []
    differ = _differing(found)
    return Page(
        title="Two surveys of the same images, compared image by image",
        lead=f"{names[0]} and {names[1]} were asked the same about the same images. What differs, by how much, how "
        "sure is that, and at which images?",
        facts=(
            ("images in both", grouped(found.images)),
            ("numbers compared", grouped(len(found.columns))),
            ("of them differ for sure", grouped(len(differ))),
        ),
        sections=tuple(sections),
        methods=_METHODS,
        provenance=(*_provenance(found, folders, names), ("seed of the resamples", str(found.seed))),
    )


def _differing(found: Comparison) -> list[Paired]:
    return [row for row in found.columns if row.p_holm < _SURE]


def _overall(found: Comparison, names: tuple[str, str]) -> Section:
    differ = _differing(found)
    rows = [row for row in found.columns if row.column in found.main] or list(found.columns)
    finding = f"{len(differ)} of {len(found.columns)} numbers differ for sure (p below {_SURE:g} after correction)."
    # Numbers in the latent's own unit differ between networks as units do.
    telling = [row for row in differ if row in rows and not found.units[row.column].startswith("latent")]
    if telling:
        most = max(telling, key=lambda row: abs(row.effect.value) if math.isfinite(row.effect.value) else -1.0)
        greater = names[0] if most.mean.value > 0 else names[1]
        finding += f" {most.column} differs most clearly: it is greater for {greater} at "
        finding += f"{percent(max(most.greater, most.less) / most.images)} of the images."
    return Section(
        "Which numbers differ, and by how much?",
        finding,
        (*found.notes, _figure(rows, names), _table(found, names), *_left_out(found)),
    )


def _figure(rows: list[Paired], names: tuple[str, str]) -> Figure:
    shares = torch.tensor([[row.greater, row.less] for row in rows], dtype=torch.float64)
    shares = shares / torch.tensor([max(row.images, 1) for row in rows]).unsqueeze(1)
    chart = paired_chart(
        shares,
        torch.tensor([list(row.effect) for row in rows], dtype=torch.float64),
        rows=[row.column for row in rows],
        names=("A", "B"),
        title="Image by image: which is greater, and by how much",
        note="Between the bars: images at which both are equal. Lines: 95 % intervals; grey ones reach over zero.",
    )
    return Figure(
        to_png(chart),
        caption=f"A is {names[0]}, B is {names[1]}. On the left at how many images each is greater, on the right the "
        "mean difference A minus B.",
        alt=f"A row for each of {len(rows)} numbers, with two bars and a dot with its interval.",
    )


def _table(found: Comparison, names: tuple[str, str]) -> Table:
    rows = tuple(
        (
            row.column,
            _number(row.first_median),
            _number(row.second_median),
            _interval(row.mean),
            _interval(row.median),
            percent(row.greater / row.images) if row.images else "–",
            _p(row.p_holm),
        )
        for row in found.columns
    )
    columns = ("column", "A median", "B median", "mean of A − B", "median of A − B", "A greater", "p")
    return Table(
        columns, rows, f"All numbers that both have; A is {names[0]}, B is {names[1]}. In brackets 95 % intervals; p "
        f"is corrected for {len(rows)} tests.",
    )  # fmt: skip


def _left_out(found: Comparison) -> tuple[Table, ...]:
    if not found.left_out:
        return ()
    return (Table(("column", "why"), found.left_out, "Columns that both have, and that do not mean the same."),)


def _by_class(found: Comparison, names: tuple[str, str]) -> Section:
    main = [row.column for row in found.columns if row.column in found.main] or [row.column for row in found.columns]
    cells = {(row.column, row.group): row for row in (*found.by_class, *found.columns)}
    groups = ("", *found.classes)
    rows = [[cells.get((column, group)) for group in groups] for column in main]
    sure = sum(row.p_holm < _SURE for row in found.by_class)
    chart = heat_chart(
        torch.tensor([[_balance(each) for each in row] for row in rows], dtype=torch.float64),
        [[_cell(each) for each in row] for row in rows],
        rows=main,
        columns=("all", *found.classes),
        named=("column", "class"),
        title="At what share of the images A is greater, by class",
        hue="both",
        note="Images at which both are equal count half. A star: differs for sure, after correction.",
    )
    figure = Figure(
        to_png(chart),
        caption=f"Blue: greater for {names[0]}; orange: greater for {names[1]}. The mean differences of each class, "
        "with intervals, are in the table by_class.",
        alt=f"A table of shares, a row for each of {len(main)} columns and a column for each class.",
    )
    return Section(
        "Is it the same in every class?",
        f"{sure} of {len(found.by_class)} comparisons by class differ for sure, after correction for all of them.",
        (figure,),
    )


def _balance(row: Paired | None) -> float:
    """The share of images at which the first is greater, ties half."""
    return math.nan if row is None or not row.images else 0.5 + (row.greater - row.less) / (2 * row.images)


def _cell(row: Paired | None) -> str:
    share = _balance(row)
    star = "*" if row is not None and row.p_holm < _SURE else ""
    return "" if math.isnan(share) else f"{100 * share:.0f} %{star}"


def _reading(found: Agreement, names: tuple[str, str]) -> Section:
    finding = f"They read the same class in {grouped(found.same)} of {grouped(found.images)} images "
    finding += f"({percent(found.same / found.images)})."
    if not found.labelled:
        return Section("Do they read the same?", f"{finding} The images have no labels.")
    first, second = found.both + found.first_alone, found.both + found.second_alone
    table = Table(
        ("read right by", "images", "share"),
        tuple(
            (words, count, percent(count / found.labelled))
            for words, count in (
                ("both", found.both),
                (f"A alone ({names[0]})", found.first_alone),
                (f"B alone ({names[1]})", found.second_alone),
                ("neither", found.neither),
            )
        ),
        f"Of {grouped(found.labelled)} labelled images. McNemar’s test is of the two middle rows alone.",
    )
    finding += (
        f" A reads {percent(first / found.labelled)} right, B {percent(second / found.labelled)} (p {_p(found.p)})."
    )
    method = "Whether one reads more images right than the other is tested by McNemar’s test, exactly by the binomial "
    method += "distribution, without correction."
    return Section("Do they read the same?", finding, (table, method))


def _provenance(found: Comparison, folders: tuple[Path, Path], names: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    rows = [("data", found.first.data), ("data, SHA-256", found.first.data_sha256)]
    for letter, plan, folder, name in zip("AB", (found.first, found.second), folders, names, strict=True):
        rows += [
            (letter, f"{name}: {folder}"),
            (f"{letter}: network", f"{plan.model} at {plan.layer}"),
            (f"{letter}: network, SHA-256", plan.network_sha256),
            (f"{letter}: measures", ", ".join(plan.measures)),
            (f"{letter}: seed", str(plan.seed)),
            (f"{letter}: versions", ", ".join(f"{key} {value}" for key, value in plan.versions.items())),
        ]
    return tuple(rows)


def _interval(found: Interval) -> str:
    if math.isnan(found.value):
        return "–"
    if math.isnan(found.low):
        return _number(found.value)
    return f"{_number(found.value)} ({_number(found.low)} to {_number(found.high)})"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else short_number(value)


def _p(value: float) -> str:
    return "–" if math.isnan(value) else "<\N{NO-BREAK SPACE}0.0001" if value < 1e-4 else full_number(value, digits=2)
