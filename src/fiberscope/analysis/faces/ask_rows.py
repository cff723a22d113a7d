"""The figure that the field draws by hand: each row one embedding, light and pose varying within it."""

from __future__ import annotations

import torch

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.priors import Brought, bring
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.faces.threads import side_by_side
from fiberscope.analysis.records import Records
from fiberscope.gallery import fiber_rows, percent, short_number, to_png
from fiberscope.moves import Outcome
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


def ask_rows(study: FaceStudy) -> Answer:
    """Vary light and pose of a picture, and bring each result onto the fiber of the picture itself."""
    count, members = min(study.num_rows, len(study.people)), min(study.members, len(WAYS))
    chosen = torch.randperm(len(study.people), generator=study.rng())[:count].tolist()
    named = {variation.name: variation for variation in study.variations}
    ways = [way for way in WAYS if way[0] in named][:members]
    if not ways:
        raise FiberscopeError("variations: none of those that rows are made of; take them from face_variations(shape).")
    targets = study.probes[chosen]
    goals = study.embed(targets)
    varied = torch.stack(
        [named[name].orbit(targets, torch.tensor([amount])).images[0] for name, amount, _ in ways], dim=1
    )
    prior = study.priors[1]  # in components of the faces few of these searches arrive, in smooth waves nearly all did
    places = [(row, member) for row in range(count) for member in range(len(ways))]

    def search(place: tuple[int, int]) -> Brought:
        row, member = place
        return bring(prior, varied[row, member], goals[row], study.latent_map, num_steps=0)

    found = side_by_side(search, places)
    images = torch.unflatten(torch.stack([each.image for each in found]), 0, (count, len(ways)))
    residual = torch.tensor([each.residual for each in found]).view(count, -1)
    reached = torch.tensor([each.outcome is Outcome.CONVERGED for each in found]).view(count, -1)
    before = torch.unflatten(study.embed(varied.flatten(0, 1)), 0, (count, len(ways)))
    apart = (before - goals[:, None]).norm(dim=2) / goals.norm(dim=1)[:, None]
    pixels = (images - targets[:, None]).flatten(2).norm(dim=2) / targets.flatten(1).norm(dim=1)[:, None]
    captions = [
        [
            f"{words}\n{percent(moved, digits=0)} away" if there else f"{words}\nnot reached"
            for (_, _, words), moved, there in zip(ways, moves, theres, strict=True)
        ]
        for moves, theres in zip(pixels.tolist(), reached.tolist(), strict=True)
    ]
    worst = short_number(float(residual[reached].max()), digits=2) if bool(reached.any()) else "nothing"
    picture = fiber_rows(
        targets,
        images,
        headings=("Picture", "Other light, another pose, the same embedding"),
        labels=[study.names[i] for i in chosen],
        captions=captions,
        title="Each row is one embedding",
        note=f"Embeddings in a row agree to {worst} of their size. Percent: distance from the picture, of its size.",
    )
    figure = Figure(
        to_png(picture),
        caption="Each face in a row is another image, in light or pose, and all of them have exactly the embedding of "
        "the picture on the left.",
        alt="Rows of faces under changing light and pose.",
    )
    section = Section(
        "What does one embedding look like under changing light and pose?",
        f"{int(reached.sum())} of {reached.numel()} changed faces were brought to exactly the picture's embedding. "
        f"Before that the change had moved it by {percent(float(apart.median()), digits=0)} of its size (median).",
        (
            "A change of light or pose moves the embedding of a picture a little. The least smooth change that "
            "takes this back leaves an image of other light or pose that the network cannot tell from the picture.",
            figure,
        ),
    )
    columns = {
        "person": "number of the person",
        "change": "what was done to the picture first",
        "moved_before": "how far that moved the embedding, of its size",
        "residual": "|f(x) - z| / |z| of the finished image",
        "distance": "of the finished image from the picture, of the picture's size",
        "reached": "whether the search ended on the fiber",
    }
    rows = tuple(
        (
            study.people[chosen[row]] + 1,
            ways[member][2],
            float(apart[row, member]),
            float(residual[row, member]),
            float(pixels[row, member]),
            bool(reached[row, member]),
        )
        for row, member in places
    )
    return Answer(
        (section,),
        facts=(("faces of one embedding under other light and pose", f"{int(reached.sum())} of {reached.numel()}"),),
        figures={"rows.png": figure},
        arrays={"rows_targets": targets, "rows_images": images, "rows_residual": residual},
        records={"rows": Records(columns, rows)},
    )
