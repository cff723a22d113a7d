"""What the network notices at the images of a survey, and what it hardly sees."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.gallery import Mark, full_number, heat_chart, quantile_chart, short_number, to_png
from fiberscope.report import Figure, Section
from fiberscope.survey.report.view import View

_PREFIX = "sensitivity_"
_RANDOM = "sensitivity_random"
_METHODS = (
    "Relative sensitivity is |J t| / |t| along the tangent t of a variation, over the median of the same along "
    "differences of two labelled images of other classes: 1 is as visible as a change of class, 0 invisible.",
)


def about_sensitivity(view: View) -> Answer | None:
    """Relative sensitivities of all variations; None where none was measured."""
    names = [info.name for info in view.of_measure("variations") if info.name.startswith(_PREFIX)]
    names = [name for name in names if name != _RANDOM and view.known(name)]
    if not names:
        return None
    found = {name: view.quantiles(name) for name in names}
    names.sort(key=lambda name: -float(found[name][0, 2]))
    words = {name: name.removeprefix(_PREFIX).replace("_", " ") for name in names}
    noise = float(view.quantiles(_RANDOM, [0.5])[0, 0]) if _RANDOM in view else math.nan
    first, last = names[0], names[-1]
    medians = torch.stack([found[name][:, 2] for name in names])
    body: list[Figure | str] = [
        "A dot at 1 is noticed as much as a change of class. What lies below the noise of random directions is hardly "
        "seen at all.",
        _overall(torch.stack([found[name][0] for name in names]), [words[name] for name in names], noise, view),
    ]
    if view.groups.names:
        body.append(_by_class(medians, [words[name] for name in names], view))
    section = Section(
        "What does it notice, and what does it hardly see?",
        f"It notices {words[first]} most, {short_number(float(medians[0, 0]), digits=2)} times as much as a change of "
        f"class, and {words[last]} least, {short_number(float(medians[-1, 0]), digits=2)} times.",
        tuple(body),
    )
    return Answer((section,), methods=_METHODS)


def _overall(quantiles: Float64[Tensor, "row 5"], rows: list[str], noise: float, view: View) -> Figure:
    rows = [*rows, "random directions"] if math.isfinite(noise) else rows
    if math.isfinite(noise):
        quantiles = torch.cat([quantiles, view.quantiles(_RANDOM)[:1]])
    return Figure(
        to_png(
            quantile_chart(
                quantiles, rows=rows, strong=(), mark=Mark(1.0, "a change of class"),
                across="relative sensitivity (1: as visible as a change of class; 0: invisible)",
                title="What the network notices, most visible first",
            )
        ),
        caption=f"How far the latent moves when an {'image' if view.noun == 'image' else view.noun} is changed a "
        "little in each of these ways, against a change of class.".replace("an digit", "a digit"),
        alt=f"A row for each of {len(rows)} kinds of change, with its median and spread.",
    )  # fmt: skip


def _by_class(medians: Float64[Tensor, "variation row"], rows: list[str], view: View) -> Figure:
    top = medians[medians.isfinite()].max().clamp(min=1e-12)
    words = [["" if math.isnan(each) else full_number(each, digits=2) for each in row] for row in medians.tolist()]
    return Figure(
        to_png(
            heat_chart(
                medians / top, words, rows=rows, columns=("all", *view.groups.names), named=("change", "class"),
                title="The same by class", note="In each cell: the median relative sensitivity of the class.",
            )
        ),
        caption="Down a column: what is noticed in this class. Along a row: in which class a change is noticed most.",
        alt="A table of median relative sensitivities, a row for each kind of change and a column for each class.",
    )  # fmt: skip
