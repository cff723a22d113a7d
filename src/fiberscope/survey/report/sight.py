"""What is invisible around the images of a survey, in how many directions the network sees, and how strongly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.gallery import histograms, percent, quantile_chart, short_number, spectra_chart, to_png
from fiberscope.report import Figure, Section, Table
from fiberscope.survey.report.view import QUARTILES, View
from fiberscope.survey.report.words import from_to, known_at, three

_METHODS = (
    "The Jacobian of the latent map at each image is split by a thin singular value decomposition into row space (what "
    "the network sees) and null space (what it cannot see). The invisible share is that of the variance of the "
    "labelled images that lies in the null space, trace(P C) / trace(C) with P the projector on it and C their "
    "covariance.",
)


def about_sight(view: View) -> Answer | None:
    """Invisible share, rank and singular values; None where they were not measured."""
    if "invisible_share" not in view or not view.known("invisible_share"):
        return None
    shares = view.quantiles("invisible_share")
    low, _, median, _, high = (percent(value) for value in shares[0].tolist())
    body: list[str | Figure | Table] = [
        "To be blind to much of what varies is no fault in itself: to read a class, a network has to ignore how it is "
        "written. Where images of one class see less than others, its fibers hold more.",
        Figure(
            to_png(
                quantile_chart(
                    shares, rows=view.rows, across="share of the data’s variance that is invisible",
                    title=f"How much the network cannot see around each {view.noun}", shares=True,
                )
            ),
            caption=f"The part of all that varies between {view.noun}s that leaves the latent as it is, around the "
            f"{view.noun}s of each class.",
            alt=f"A row for each class: the median invisible share is {low} to {high} for nine tenths of all.",
        ),
    ]  # fmt: skip
    section = Section(
        f"How much of what varies between {view.noun}s can it not see?",
        f"Around the {view.noun} in the middle it cannot see {median} of it; for nine tenths of the {view.noun}s it is "
        f"{from_to(low, high)}.{known_at(view, 'invisible_share')}",
        tuple(body),
    )
    return Answer(
        (section, _strength(view)),
        facts=((f"of what varies between {view.noun}s is invisible (median)", median),),
        methods=_METHODS,
    )


def _strength(view: View) -> Section:
    names = [info.name for info in view.of_measure("spectrum") if info.name[0] == "s" and info.name[1:].isdigit()]
    size = len(names)
    by_name = {name: view.quantiles(name, QUARTILES) for name in names}
    spectrum = torch.stack([by_name[name][0] for name in names])
    ranks = view.quantiles("rank", QUARTILES)
    first, last = by_name[names[0]], by_name[names[-1]]
    ratio = float(spectrum[0, 1] / spectrum[-1, 1]) if spectrum[-1, 1] > 0 else float("inf")
    rows = [(name, *map(three, (ranks[place], first[place], last[place]))) for place, name in enumerate(view.rows)]
    return Section(
        "In how many directions does it see, and how strongly?",
        f"Around the {view.noun} in the middle it sees {short_number(float(ranks[0, 1]))} of "
        f"{grouped(math.prod(view.plan.input_shape))} directions, the strongest {short_number(ratio)} times as "
        "strongly as the weakest.",
        (
            Figure(
                to_png(
                    spectra_chart(
                        [spectrum], [f"median of {grouped(view.known(names[0]))}"],
                        up="singular value (latent per pixel value)", title="How strongly each direction is seen",
                        note="The band holds the middle half of the images.",
                    )
                ),
                caption="How far the latent moves for one unit of image, along the direction that is seen most "
                "strongly, the next, and so on.",
                alt=f"A falling line over {size} directions.",
            ),
            _spread(view, ("rank", "invisible_share", names[0], names[-1])),
            Table(
                ("class", "directions seen", "strongest", "weakest"),
                tuple(rows),
                "By class: medians, in brackets the middle half. Strongest and weakest are the singular values "
                f"{names[0]} and {names[-1]}, in latent per pixel value.",
            ),
        ),
    )  # fmt: skip


def _spread(view: View, names: Sequence[str]) -> Figure:
    shown = [view.histogram(name) for name in dict.fromkeys(names)]
    parts = [part for part in shown if part is not None]
    return Figure(
        to_png(histograms(parts, title=f"How the {view.noun}s are distributed")),
        caption=f"Each bar counts {view.noun}s; the line is their median.",
        alt="Histograms of the rank, the invisible share, and the largest and smallest singular value.",
    )
