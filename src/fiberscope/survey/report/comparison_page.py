"""A comparison of two surveys as a folder: a page, tables for other programs, and where it comes from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from fiberscope.analysis.provenance import Provenance, timed, write_provenance
from fiberscope.analysis.records import Records, to_csv, to_json
from fiberscope.analysis.run_folder import open_folder
from fiberscope.report import render
from fiberscope.survey.compare import compare_surveys
from fiberscope.survey.paired import Paired
from fiberscope.survey.plan import Plan
from fiberscope.survey.report.comparison import comparison_page

REPORT = "report.html"


def write(first: Path, second: Path, *, out: Path, seed: int, force: bool, command: str) -> Path:
    """Compare, write the result into a folder, and return where its page is."""
    folder = open_folder(out, force=force)
    settings: dict[str, object] = {"surveys": [str(first.resolve()), str(second.resolve())]}
    provenance = Provenance(command, seed, settings=settings)
    with timed(provenance.seconds, "compare"):
        found = compare_surveys(first, second, seed=seed)
    with timed(provenance.seconds, "draw"):
        page = comparison_page(found, (first, second), call(found.first, found.second, (first, second)))
        content = {REPORT: render(page).encode("utf-8", "backslashreplace")}
    for name, rows in (("columns", found.columns), ("by_class", found.by_class)):
        records = _records(rows, by_class=name == "by_class")
        content |= {f"{name}.csv": to_csv(records), f"{name}.json": to_json(records)}
    for name, what in content.items():
        folder.write(name, what)
    settings |= {"first": asdict(found.first), "second": asdict(found.second)}
    write_provenance(folder, provenance, files=list(content))
    return out / REPORT


def call(first: Plan, second: Plan, folders: tuple[Path, Path]) -> tuple[str, str]:
    """Names that tell two surveys apart: of the networks, else with their layers, else of the folders."""
    models = [plan.model.rstrip("/").rpartition("/")[2] for plan in (first, second)]
    layers = [f"{model} at {plan.layer}" for model, plan in zip(models, (first, second), strict=True)]
    last = [folder.resolve().name for folder in folders]
    for names in (models, layers, last):
        if names[0] != names[1]:
            return names[0], names[1]
    return f"{last[0]} (A)", f"{last[1]} (B)"


def _records(rows: tuple[Paired, ...], *, by_class: bool) -> Records:
    columns = {
        "column": "column of the records of both surveys",
        **({"class": "label of the images"} if by_class else {}),
        "images": "images at which both surveys know the number",
        "finite": "images at which it is finite in both: all that follows but greater and less is of these",
        "first_median": "median of the first survey",
        "second_median": "median of the second survey",
        **{
            f"{what}{end}": f"{words}{of}"
            for what, words in (
                ("mean", "mean difference, first minus second"),
                ("median", "median difference, first minus second"),
                ("effect", "mean difference over the standard deviation of differences"),
            )
            for end, of in (("", ""), ("_low", ": lower end of its 95 % interval"), ("_high", ": upper end of it"))
        },
        "greater": "images at which the first is greater",
        "less": "images at which the second is greater",
        "p": "Wilcoxon signed-rank test of differences symmetric about zero",
        "p_holm": "the same, corrected for all rows of this table by Holm's method",
    }
    found = tuple(
        (
            row.column,
            *((row.group,) if by_class else ()),
            *(row.images, row.finite, row.first_median, row.second_median),
            *row.mean,
            *row.median,
            *row.effect,
            *(row.greater, row.less, row.p, row.p_holm),
        )
        for row in rows
    )
    return Records(columns, found)
