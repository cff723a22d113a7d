"""Whether judges see in the nearest image what the network sees: verdicts, and who is taken for whom."""

from __future__ import annotations

from typing import Any

from fiberscope.analysis.answer import Answer
from fiberscope.gallery import CollisionWords, collision_sheet, percent, to_png
from fiberscope.problem import FiberscopeError
from fiberscope.report import Figure, Section, Table
from fiberscope.survey.confusion import confusion
from fiberscope.survey.report.blindness import SHOWN
from fiberscope.survey.report.confusion import draw_confusion
from fiberscope.survey.report.pictures import can_be_drawn, triples
from fiberscope.survey.report.view import View
from fiberscope.survey.report.words import share_of

_COLLISION = "verdict = 'collision'"
_METHODS = (
    "A panel of judges that are independent of the network looks at the image found. A collision is one in which it "
    "surely sees another class than the network; wanted is one in which both see the same; unsure where the panel is "
    "not sure. Judges are classifiers, not people: a collision says what people would probably see.",
)


def about_verdicts(view: View) -> Answer | None:
    """Verdicts by class, the confusion of collisions, and the surest of them; None where nothing was judged."""
    if "verdict" not in view or not view.known("verdict"):
        return None
    collide = view.by_group(_COLLISION)
    body: list[str | Figure | Table] = [_by_class(view, collide)]
    if collide[0][0]:
        body += [_confusion(view), *_surest(view)]
    section = Section(
        "Do judges see the same in what it cannot tell apart?",
        f"They surely see another class than the network in {share_of(*collide[0])} of the images found on fibers.",
        tuple(body),
    )
    fact = ("collide: judges see another class", percent(collide[0][0] / collide[0][1]))
    return Answer((section,), facts=(fact,), methods=_METHODS)


def _by_class(view: View, collide: list[tuple[int, int]]) -> Table:
    unsure, wanted = (view.by_group(f"verdict = '{word}'") for word in ("unsure", "wanted"))
    rows = tuple(
        (name, collide[place][1], collide[place][0], unsure[place][0], wanted[place][0],
         percent(collide[place][0] / collide[place][1]) if collide[place][1] else "–")
        for place, name in enumerate(view.rows)
    )  # fmt: skip
    columns = ("class", "judged", "collision", "unsure", "wanted", "collide")
    return Table(
        columns, rows, f"Verdicts on the image found nearest to another class, by the class of the {view.noun}."
    )


def _confusion(view: View) -> Figure:
    found = confusion(view.database, "seen_class", "judged_class", where=_COLLISION)
    picture = draw_confusion(
        found,
        named=("seen", "class that judges see"),
        title="Collisions: what the network sees, and what judges see",
        note="In each cell: collisions, and their share of the row.",
    )
    return Figure(
        to_png(picture),
        caption="A row for each class that the network sees, a column for each that judges see in the same image.",
        alt=f"A table of {found.total} collisions by class seen and class judged.",
    )


def _surest(view: View) -> list[Figure | str]:
    if not can_be_drawn(view.plan) or "found" not in view:
        return []
    rows: list[tuple[Any, ...]] = list(
        view.database.ask(
            "SELECT image, name, partner, seen_class, judged_class, judged_confidence FROM records "
            f"WHERE {_COLLISION} AND search = 'converged' ORDER BY judged_confidence DESC, image LIMIT ?",
            (SHOWN,),
        ).rows
    )
    if not rows:
        return []
    places, names, partners, seen, judged, sure = zip(*rows, strict=True)
    try:
        triple = triples(view.folder, view.plan, places, names, partners)
    except FiberscopeError as error:
        return [f"Their pictures cannot be shown. {error}"]
    apart = (triple.images - triple.found).flatten(1).norm(dim=1).tolist()
    words = [CollisionWords(str(s), str(j), float(p), a) for s, j, p, a in zip(seen, judged, sure, apart, strict=True)]
    picture = collision_sheet(
        triple.images, triple.found, words, title="The surest collisions",
        note="The orange bar stands for the latent: both rows share it.",
    )  # fmt: skip
    return [
        Figure(
            to_png(picture),
            caption="The network has one latent for both images of a column; judges are sure that the lower one is "
            "something else.",
            alt=f"Two rows of {len(rows)} images: surveyed ones, and images on their fibers that judges see otherwise.",
        )
    ]
