"""How near an image of another class comes that has exactly the latent: distributions, and the extremes as pictures."""

from __future__ import annotations

from typing import Any

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.gallery import full_number, histograms, pairs, percent, quantile_chart, to_png
from fiberscope.problem import FiberscopeError
from fiberscope.report import Figure, Section, Table
from fiberscope.survey.report.pictures import can_be_drawn, triples
from fiberscope.survey.report.view import View
from fiberscope.survey.report.words import from_to, known_at

SHOWN = 8
_CONVERGED = "converged"
_METHODS = (
    "On the fiber of each image the point nearest to a random labelled image of another class is sought, from the "
    "image and from its partner, and the nearer one is kept. The blindness ratio is its distance from the partner over "
    "that of the image: 0 is blind to their difference, 1 sees all of it. The residual is measured by "
    "a fresh forward pass. A search ends at a local minimum, so the true ratio may be smaller than the one found, "
    "never greater.",
)


def about_blindness(view: View) -> Answer | None:
    """Blindness ratios with the most and the least blind images; None where none was found."""
    if "blindness" not in view or not view.known("blindness"):
        return None
    found = view.quantiles("blindness")
    low, _, median, _, high = (full_number(value) for value in found[0].tolist())
    parts = [view.histogram(name) for name in ("blindness", "distance", "residual")]
    body: list[str | Figure | Table] = [
        "The ratio is a distance that is left over the distance that was there: 0 would be an image of another class "
        "with exactly this latent.",
        Figure(
            to_png(
                quantile_chart(
                    found, rows=view.rows, across="blindness ratio (0: blind to the difference)",
                    title="How near another class comes on the fiber",
                )
            ),
            caption="The further to the left, the nearer the network’s fiber comes to images of other classes.",
            alt=f"A row for each class; nine tenths of all lie between {low} and {high}.",
        ),
        Figure(
            to_png(histograms([part for part in parts if part is not None], title="How the searches ended")),
            caption=f"Each bar counts {view.noun}s. The residual is |f(x) − z| / |z|: how exactly the latent is kept.",
            alt="Histograms of blindness, distance and residual.",
        ),
        *_extremes(view),
        _outcomes(view),
    ]  # fmt: skip
    section = Section(
        f"How near is {'a digit' if view.noun == 'digit' else 'an image'} of another class that it takes for the same?",
        f"At the {view.noun} in the middle {median} of the distance to another class is left on the fiber; at nine "
        f"tenths of them {from_to(low, high)}.{known_at(view, 'blindness')}",
        tuple(body),
    )
    return Answer((section,), facts=(("blindness ratio (median): 0 is blind", median),), methods=_METHODS)


def _extremes(view: View) -> list[Figure | str]:
    if not can_be_drawn(view.plan):
        return [f"Images of shape {view.plan.input_shape} cannot be drawn; the extremes are in the records."]
    parts: list[Figure | str] = []
    shown = _ordered(view, "ASC")
    if not shown:
        return ["No search converged, so there are no extremes to show."]
    ends = [("most", shown)]
    if (least := _ordered(view, "DESC")) != shown:
        # With few images both ends would show the same ones.
        taken = {row[0] for row in shown}
        ends.append(("least", [row for row in least if row[0] not in taken]))
    for word, rows in ends:
        if not rows:
            continue
        try:
            parts.append(_figure(view, word, rows))
        except FiberscopeError as error:
            return [f"Its pictures cannot be shown. {error}"]
    return parts


def _ordered(view: View, order: str) -> list[tuple[Any, ...]]:
    return list(
        view.database.ask(
            "SELECT image, name, label, partner, partner_label, blindness, distance FROM records WHERE search = ? "
            f"AND blindness IS NOT NULL ORDER BY blindness {order}, image LIMIT ?",
            (_CONVERGED, SHOWN),
        ).rows
    )


def _figure(view: View, word: str, rows: list[tuple[Any, ...]]) -> Figure:
    places, names, labels, partners, others, ratios, distances = zip(*rows, strict=True)
    triple = triples(view.folder, view.plan, places, names, partners)
    own = [name if label is None else f"{label}\n{name}" for name, label in zip(names, labels, strict=True)]
    ends = [
        f"{full_number(ratio, digits=2)}\n{full_number(distance)} apart"
        for ratio, distance in zip(ratios, distances, strict=True)
    ]
    picture = pairs(
        triple.partners,
        triple.images,
        triple.found,
        labels=(
            "another class\nits label",
            f"the {view.noun}\nits label and name",
            f"on its fiber\nblindness; distance from the {view.noun} on top",
        ),
        captions=([str(each) for each in others], own, ends),
        title=f"The {word} blind: nearest to another class" if word == "most" else "The least blind: kept far away",
        note="The blue frame stands for looks, the orange bar for the latent: the bottom row has the latent of the "
        "middle row and comes as near as it can to the top row.",
    )
    return Figure(
        to_png(picture),
        caption=f"The {len(rows)} {view.noun}s at which the network is {word} blind, each under a random labelled one "
        f"of another class; blindness {full_number(ratios[0], digits=2)} to {full_number(ratios[-1], digits=2)}.",
        alt=f"Three rows of {len(rows)} pictures: images of another class, the {view.noun}s, and what was found on "
        "their fibers.",
    )


def _outcomes(view: View) -> Table:
    found = view.database.ask(
        "SELECT coalesce(search, 'not searched'), count(*), quantile_cont(residual, 0.5) FROM records GROUP BY 1 "
        "ORDER BY 2 DESC, 1"
    ).rows
    rows = tuple(
        (
            str(word),
            grouped(int(count)),
            percent(int(count) / view.count),
            "–" if at is None else full_number(float(at)),
        )
        for word, count, at in found
    )
    return Table(
        ("search", f"{view.noun}s", "share", "residual (median)"),
        rows,
        "How the searches ended; only converged ones are shown above.",
    )
