"""The figure that the field draws by hand: each row one embedding, light and pose varying within it."""

from __future__ import annotations

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.rows import Rows, bring_rows, draw_changed
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.records import Records
from fiberscope.gallery import fiber_rows, percent, short_number, to_png
from fiberscope.report import Figure, Section

_PRIORS = ("smooth", "faces")  # those that leave faces faces
_WORDS = (
    "A change of light or pose moves the embedding of a picture. The search starts from the changed picture and goes "
    "to the fiber by smooth changes: it ends at an image of other light or pose that the network cannot tell from the "
    "picture."
)
_COMPONENTS = (
    "In components of faces, changes are near that faces often differ by. There the search starts from the picture "
    "itself, and goes along its fiber toward the changed one; it counts as there when it came nearer in their units."
)


def ask_rows(study: FaceStudy) -> Answer:
    """Vary light and pose of a picture, and bring each result onto the fiber of the picture itself."""
    changed = draw_changed(study)
    found = [bring_rows(study, changed, prior) for prior in study.priors if prior.name in _PRIORS]
    figures = {f"rows_{rows.prior.name}.png": _figure(study, rows) for rows in found}
    section = Section(
        "What does one embedding look like under changing light and pose?",
        f"A change of light or pose had moved the embedding by {percent(float(changed.moved.median()), digits=0)} of "
        f"its size (median). {' '.join(map(_finding, found))}",
        (_WORDS, *([_COMPONENTS] if study.components else []), *figures.values()),
    )
    arrays = {
        f"rows_{rows.prior.name}_{name}": getattr(rows, name) for rows in found for name in ("images", "residual")
    }
    return Answer(
        (section,),
        facts=(("faces of one embedding under other light and pose", found[0].arrived),),
        figures=figures,
        arrays={"rows_targets": changed.targets, **arrays},
        records={"rows": _records(study, found)},
    )


def _finding(rows: Rows) -> str:
    said = f"By {rows.prior.words}, {rows.arrived} images have the picture's embedding"
    if not bool(rows.reached.any()):
        return f"{said}."
    kept, beside = (rows.usual(values).words(0, percent=True) for values in (rows.kept, rows.beside))
    return f"{said}, with {kept} of the change in them and {beside} of its size beside it."


def _figure(study: FaceStudy, rows: Rows) -> Figure:
    captions = [
        [
            f"{words}\n{percent(share, digits=0)} of it" if there else f"{words}\nnot reached"
            for words, share, there in zip(rows.changed.words, shares, theres, strict=True)
        ]
        for shares, theres in zip(rows.kept.tolist(), rows.reached.tolist(), strict=True)
    ]
    agree, arrived = "", rows.residual[rows.reached]
    if len(arrived):
        agree = f" Embeddings in a row agree to {short_number(float(arrived.max()), digits=2)} of their size."
    picture = fiber_rows(
        rows.changed.targets,
        rows.images,
        headings=("Picture", "Other light, another pose, the same embedding"),
        labels=[study.names[i] for i in rows.changed.people],
        captions=captions,
        title="Each row is one embedding",
        note=f"Prior: {rows.prior.words}.{agree} Percent: how much of the change is there.",
    )
    return Figure(
        to_png(picture),
        caption="Each face in a row is another image, in light or pose, and has the embedding of the picture on the "
        f"left{'' if bool(rows.reached.all()) else ', unless it says that it was not reached'}; prior: "
        f"{rows.prior.words}.",
        alt="Rows of faces under changing light and pose.",
    )


def _records(study: FaceStudy, found: list[Rows]) -> Records:
    columns = {
        "prior": "what changes the search preferred",
        "person": "number of the person",
        "change": "what was done to the picture first",
        "moved_before": "how far that moved the embedding, of its size",
        "residual": "|f(x) - z| / |z| of the finished image",
        "kept": "how much of the change is in the finished image, in pixels",
        "beside": "what else is, of the size of the change",
        "distance": "of the finished image from the picture, of the picture's size",
        "reached": "whether the search ended on the fiber, in components of faces also nearer by its own measure",
    }
    return Records(
        columns,
        tuple(
            (
                rows.prior.name,
                study.people[person] + 1,
                change,
                float(rows.changed.moved[row, member]),
                float(rows.residual[row, member]),
                float(rows.kept[row, member]),
                float(rows.beside[row, member]),
                float(rows.distance[row, member]),
                bool(rows.reached[row, member]),
            )
            for rows in found
            for row, person in enumerate(rows.changed.people)
            for member, change in enumerate(rows.changed.words)
        ),
    )
