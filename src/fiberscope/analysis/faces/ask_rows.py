"""The figure that the field draws by hand: each row one embedding, light and pose varying within it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.priors import Prior
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
_PRIORS = ("smooth", "faces")  # those that leave faces faces
_WORDS = (
    "A change of light or pose moves the embedding of a picture a little. The search starts from the changed picture "
    "and takes the smoothest way back: it ends at an image of other light or pose that the network cannot tell from "
    "the picture."
)
_COMPONENTS = (
    "In components of faces, changes are near that faces often differ by. There the search starts from the picture "
    "itself, and goes along its fiber toward the changed one."
)


class Rows(NamedTuple):
    """Faces on the fiber of a picture a row, after a change of light or pose each, as near to it as a prior found.

    ``moved`` is how far that change had moved the embedding, ``residual`` how far off the finished image is, of the
    embedding's size; ``distance`` how far that image is from the picture, of the picture's size; ``kept`` how much of
    the change is in it, in pixels: 1 for all of it, 0 for none.
    """

    prior: Prior
    people: list[int]
    changes: list[str]
    targets: Float[Tensor, "row c h w"]
    images: Float[Tensor, "row member c h w"]
    moved: Float[Tensor, "row member"]
    residual: Float[Tensor, "row member"]
    distance: Float[Tensor, "row member"]
    kept: Float[Tensor, "row member"]
    reached: Bool[Tensor, "row member"]

    @property
    def arrived(self) -> str:
        """How many of how many are on the fiber, in words."""
        return f"{int(self.reached.sum())} of {self.reached.numel()}"

    @property
    def usually_kept(self) -> str:
        """How much of the change those on the fiber have, in words; nothing when there are none."""
        if not bool(self.reached.any()):
            return ""
        return f" with {percent(float(self.kept[self.reached].median()), digits=0)} of the change (median)"


def ask_rows(study: FaceStudy) -> Answer:
    """Vary light and pose of a picture, and bring each result onto the fiber of the picture itself."""
    found = [bring_rows(study, prior) for prior in study.priors if prior.name in _PRIORS]
    figures = {f"rows_{rows.prior.name}.png": _figure(study, rows) for rows in found}
    first = found[0]
    section = Section(
        "What does one embedding look like under changing light and pose?",
        f"A change of light or pose had moved the embedding by {percent(float(first.moved.median()), digits=0)} of its "
        "size (median). Brought back to exactly the picture's: "
        f"{'; '.join(f'by {rows.prior.words} {rows.arrived}{rows.usually_kept}' for rows in found)}.",
        (_WORDS, *([_COMPONENTS] if study.components else []), *figures.values()),
    )
    arrays = {
        f"rows_{rows.prior.name}_{name}": getattr(rows, name) for rows in found for name in ("images", "residual")
    }
    return Answer(
        (section,),
        facts=(("faces of one embedding under other light and pose", first.arrived),),
        figures=figures,
        arrays={"rows_targets": first.targets, **arrays},
        records={"rows": _records(study, found)},
    )


def bring_rows(study: FaceStudy, prior: Prior) -> Rows:
    """Draw people and change their pictures; of each changed one the nearest image of the picture's embedding."""
    count = min(study.num_rows, len(study.people))
    chosen = torch.randperm(len(study.people), generator=study.rng())[:count].tolist()
    targets, ways = study.probes[chosen], _ways(study)
    named = {variation.name: variation for variation in study.variations}
    varied = torch.stack(
        [named[name].orbit(targets, torch.tensor([amount])).images[0] for name, amount, _ in ways], dim=1
    )
    aims = targets.repeat_interleave(len(ways), dim=0)
    found = bring_each(study, prior, varied.flatten(0, 1), aims, question="rows")
    images = torch.unflatten(found.images, 0, (count, len(ways)))
    before = torch.unflatten(study.embed(varied.flatten(0, 1)), 0, (count, len(ways)))
    goals, pictures = study.embed(targets), targets[:, None]
    change, gone = ((each - pictures).flatten(2) for each in (varied, images))
    return Rows(
        prior,
        people=chosen,
        changes=[words for _, _, words in ways],
        targets=targets,
        images=images,
        moved=(before - goals[:, None]).norm(dim=2) / goals.norm(dim=1)[:, None],
        residual=found.residual.view(count, -1),
        distance=gone.norm(dim=2) / pictures.flatten(2).norm(dim=2),
        kept=(gone * change).sum(dim=2) / change.square().sum(dim=2),
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
            f"{words}\n{percent(share, digits=0)} of it" if there else f"{words}\nnot reached"
            for words, share, there in zip(rows.changes, shares, theres, strict=True)
        ]
        for shares, theres in zip(rows.kept.tolist(), rows.reached.tolist(), strict=True)
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
        note=f"Prior: {rows.prior.words}. Embeddings in a row agree to {worst} of their size. Percent: how much of the "
        "change is in the face.",
    )
    return Figure(
        to_png(picture),
        caption="Each face in a row is another image, in light or pose, and all of them have exactly the embedding of "
        f"the picture on the left; prior: {rows.prior.words}.",
        alt="Rows of faces under changing light and pose.",
    )


def _records(study: FaceStudy, found: list[Rows]) -> Records:
    columns = {
        "prior": "what changes the search preferred",
        "person": "number of the person",
        "change": "what was done to the picture first",
        "moved_before": "how far that moved the embedding, of its size",
        "residual": "|f(x) - z| / |z| of the finished image",
        "distance": "of the finished image from the picture, of the picture's size",
        "kept": "how much of the change is in the finished image, in pixels",
        "reached": "whether the search ended on the fiber",
    }
    return Records(
        columns,
        tuple(
            (
                rows.prior.name,
                study.people[person] + 1,
                change,
                float(rows.moved[row, member]),
                float(rows.residual[row, member]),
                float(rows.distance[row, member]),
                float(rows.kept[row, member]),
                bool(rows.reached[row, member]),
            )
            for rows in found
            for row, person in enumerate(rows.people)
            for member, change in enumerate(rows.changes)
        ),
    )
