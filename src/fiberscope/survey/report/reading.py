"""Whether the network reads the images of a survey, and how sure it is."""

from __future__ import annotations

from fiberscope.analysis.answer import Answer
from fiberscope.gallery import Histogram, histograms, percent, to_png
from fiberscope.report import Figure, Section, Table
from fiberscope.survey.confusion import confusion
from fiberscope.survey.report.confusion import draw_confusion
from fiberscope.survey.report.view import QUARTILES, View
from fiberscope.survey.report.words import share_of, three


def about_reading(view: View) -> Answer | None:
    """Classes read right and wrong; None where no class was read."""
    if "network_class" not in view or not view.known("network_class"):
        return None
    right = view.by_group("network_class = label")
    labelled = right[0][1] > 0
    parts = [view.histogram(name) for name in ("confidence", "latent_norm")]
    body: list[str | Figure | Table] = [_distributions(view, [part for part in parts if part is not None])]
    if labelled:
        body.append(_by_class(view, right))
        wrong = right[0][1] - right[0][0]
        if wrong:
            body.append(_mistakes(view))
        finding = f"It reads {share_of(*right[0])} right."
    else:
        finding = "Nothing says whether it reads them right: the images have no labels."
    fact = ((f"of the {view.noun}s are read right", percent(right[0][0] / right[0][1])),) if labelled else ()
    return Answer((Section(f"Does the network read these {view.noun}s?", finding, tuple(body)),), facts=fact)


def _distributions(view: View, parts: list[Histogram]) -> Figure:
    return Figure(
        to_png(histograms(parts, title="How sure the network is, and how long latents are")),
        caption=f"Each bar counts {view.noun}s; the line is their median. The few farthest out stand in the first and "
        "the last bar.",
        alt="Histograms of the confidence and of the norm of the latent.",
    )


def _by_class(view: View, right: list[tuple[int, int]]) -> Table:
    confidence = view.quantiles("confidence", QUARTILES)
    rows = tuple(
        (name, *right[place][::-1], percent(right[place][0] / right[place][1]) if right[place][1] else "–",
         three(confidence[place], shares=True))
        for place, name in enumerate(view.rows)
    )  # fmt: skip
    columns = ("class", f"{view.noun}s", "read right", "share", "confidence")
    return Table(columns, rows, "By class; confidence is a median, in brackets the middle half.")


def _mistakes(view: View) -> Figure:
    found = confusion(view.database, "label", "network_class", where="network_class <> label")
    picture = draw_confusion(
        found,
        named=("label", "class that the network reads"),
        title="Which classes it takes for which",
        note="In each cell: images, and their share of the mistakes of the row.",
    )
    return Figure(
        to_png(picture),
        caption="The mistakes alone: a row for each label, a column for what the network reads instead.",
        alt=f"A table of {found.total} mistakes by label and class read.",
    )
