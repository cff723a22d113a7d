"""The figure that the field draws by hand: each row one embedding, light and pose varying within it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.searches import bring_each
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.records import Records
from fiberscope.gallery import fiber_rows, percent, short_number, to_png
from fiberscope.problem import FiberscopeError
from fiberscope.report import Figure, Section

WAYS = (
    ("light azimuth", -40.0, "light from the left"),
    ("light azimuth", 40.0, "light from the right"),
    ("yaw", -10.0, "turned left"),
    ("yaw", 10.0, "turned right"),
    ("light elevation", 35.0, "light from above"),
    ("pitch", 8.0, "lowered"),
    ("pitch", -8.0, "raised"),
    ("expression", 2.5, "expression"),
)


class Rows(NamedTuple):
    """Faces brought back onto the fiber of a picture a row, after a change of light or pose each.

    ``moved`` is how far that change had moved the embedding, ``residual`` how far off the finished image is, of the
    embedding's size; ``distance`` how far that image is from the picture, of the picture's size.
    """

    people: list[int]
    changes: list[str]
    targets: Float[Tensor, "row c h w"]
    images: Float[Tensor, "row member c h w"]
    moved: Float[Tensor, "row member"]
    residual: Float[Tensor, "row member"]
    distance: Float[Tensor, "row member"]
    reached: Bool[Tensor, "row member"]


def ask_rows(study: FaceStudy) -> Answer:
    """Vary light and pose of a picture, and bring each result onto the fiber of the picture itself."""
    rows = bring_rows(study)
    figure = _figure(study, rows)
    reached = f"{int(rows.reached.sum())} of {rows.reached.numel()}"
    section = Section(
        "What does one embedding look like under changing light and pose?",
        f"{reached} changed faces were brought to exactly the picture's embedding. "
        f"Before that the change had moved it by {percent(float(rows.moved.median()), digits=0)} of its size (median).",
        (
            "A change of light or pose moves the embedding of a picture a little. The least smooth change that "
            "takes this back leaves an image of other light or pose that the network cannot tell from the picture.",
            figure,
        ),
    )
    return Answer(
        (section,),
        facts=(("faces of one embedding under other light and pose", reached),),
        figures={"rows.png": figure},
        arrays={"rows_targets": rows.targets, "rows_images": rows.images, "rows_residual": rows.residual},
        records={"rows": _records(study, rows)},
    )


def bring_rows(study: FaceStudy) -> Rows:
    """Draw people and change their pictures; from each changed one the nearest image of the picture's embedding."""
    count = min(study.num_rows, len(study.people))
    chosen = torch.randperm(len(study.people), generator=study.rng())[:count].tolist()
    targets = study.probes[chosen]
    goals, ways = study.embed(targets), _ways(study)
    named = {variation.name: variation for variation in study.variations}
    varied = torch.stack(
        [named[name].orbit(targets, torch.tensor([amount])).images[0] for name, amount, _ in ways], dim=1
    )
    prior = study.priors[1]  # in components of the faces few of these searches arrive, in smooth waves nearly all did
    wanted = goals.repeat_interleave(len(ways), dim=0)
    found = bring_each(study, prior, varied.flatten(0, 1), wanted, question="rows")
    images = torch.unflatten(found.images, 0, (count, len(ways)))
    before = torch.unflatten(study.embed(varied.flatten(0, 1)), 0, (count, len(ways)))
    return Rows(
        people=chosen,
        changes=[words for _, _, words in ways],
        targets=targets,
        images=images,
        moved=(before - goals[:, None]).norm(dim=2) / goals.norm(dim=1)[:, None],
        residual=found.residual.view(count, -1),
        distance=(images - targets[:, None]).flatten(2).norm(dim=2) / targets.flatten(1).norm(dim=1)[:, None],
        reached=found.reached.view(count, -1),
    )


def _ways(study: FaceStudy) -> list[tuple[str, float, str]]:
    known = {variation.name for variation in study.variations}
    ways = [way for way in WAYS if way[0] in known][: min(study.members, len(WAYS))]
    if not ways:
        raise FiberscopeError("variations: none of those that rows are made of; take them from face_variations(shape).")
    return ways


def _figure(study: FaceStudy, rows: Rows) -> Figure:
    captions = [
        [
            f"{words}\n{percent(gone, digits=0)} away" if there else f"{words}\nnot reached"
            for words, gone, there in zip(rows.changes, distances, theres, strict=True)
        ]
        for distances, theres in zip(rows.distance.tolist(), rows.reached.tolist(), strict=True)
    ]
    arrived = rows.residual[rows.reached]
    worst = short_number(float(arrived.max()), digits=2) if arrived.numel() else "nothing"
    picture = fiber_rows(
        rows.targets,
        rows.images,
        headings=("Picture", "Other light, another pose, the same embedding"),
        labels=[study.names[i] for i in rows.people],
        captions=captions,
        title="Each row is one embedding",
        note=f"Embeddings in a row agree to {worst} of their size. Percent: distance from the picture, of its size.",
    )
    return Figure(
        to_png(picture),
        caption="Each face in a row is another image, in light or pose, and all of them have exactly the embedding of "
        "the picture on the left.",
        alt="Rows of faces under changing light and pose.",
    )


def _records(study: FaceStudy, rows: Rows) -> Records:
    columns = {
        "person": "number of the person",
        "change": "what was done to the picture first",
        "moved_before": "how far that moved the embedding, of its size",
        "residual": "|f(x) - z| / |z| of the finished image",
        "distance": "of the finished image from the picture, of the picture's size",
        "reached": "whether the search ended on the fiber",
    }
    return Records(
        columns,
        tuple(
            (
                study.people[person] + 1,
                change,
                float(rows.moved[row, member]),
                float(rows.residual[row, member]),
                float(rows.distance[row, member]),
                bool(rows.reached[row, member]),
            )
            for row, person in enumerate(rows.people)
            for member, change in enumerate(rows.changes)
        ),
    )
