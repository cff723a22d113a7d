"""What else the network is blind to: the invisible directions in which faces vary most, shown as faces."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.statistics import over_people
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.faces.threads import side_by_side
from fiberscope.analysis.records import Records
from fiberscope.gallery import fiber_rows, percent, short_number, to_png
from fiberscope.moves import Outcome, project
from fiberscope.problem import Fiber
from fiberscope.report import Figure, Section, Table

_STEPS = 25  # Jacobians at most for one face
_SHOWN = 3
_STEPS_AWAY = ((0, 1.0), (0, -1.0), (1, 1.0))  # direction and way
_LENGTH = 2.0  # standard deviations of the pictures along the direction


def ask_unseen(study: FaceStudy) -> Answer:
    """How much of what varies between faces lies in the null space, and what it looks like."""
    steps = _steps(study)
    figure = _figure(study, steps)
    whole = over_people(study.sight.invisible)
    return Answer(
        (_section(study, figure),),
        facts=(("of the variance of faces, invisible at a picture", whole.headline(1, percent=True)),),
        figures={"unseen.png": figure},
        arrays={
            "unseen_directions": study.sight.unseen,
            "unseen_targets": study.probes[: len(steps.images)],
            "unseen_images": steps.images,
            "unseen_residual": steps.residual,
        },
        records={"unseen": _records(study)},
        methods=(
            f"{int(steps.reached.sum())} of {steps.reached.numel()} steps along invisible directions ended on the "
            "fiber.",
        ),
    )


def _section(study: FaceStudy, figure: Figure) -> Section:
    sight = study.sight
    between, within, all_of_it = (
        over_people(values).words(1, percent=True)
        for values in (sight.invisible_between, sight.invisible_within, sight.invisible)
    )
    m, by_chance = study.latent_map.latent_size, percent(1 - study.latent_map.latent_size / study.latent_map.input_size)
    table = Table(
        ("variance", "share of it in the null space, mean over people (95 % interval)"),
        (
            ("of all pictures", all_of_it),
            ("between people (their mean pictures)", between),
            ("within people (differences from their means)", within),
            (f"of all pictures, if the best {m} directions were seen", percent(float(sight.best))),
            (f"of all pictures, if {m} random directions were seen", by_chance),
        ),
        f"Between people lies {percent(float(sight.between))} of the variance of all pictures, as pixels measure it. "
        f"The rank of the Jacobian is {_span(sight.rank)} of {m}.",
    )
    finding = (
        f"At a picture, {all_of_it} of the variance of all faces is invisible to first order; of the variance between "
        f"people alone {between}, of that within them {within}. Had it {m} random directions to see, {by_chance} would "
        "be."
    )
    return Section("What else is it blind to?", finding, (_WORDS, table, figure))


def _records(study: FaceStudy) -> Records:
    sight = study.sight
    columns = {
        "person": "number of the person",
        "rank": "directions that the network sees at the picture",
        "strongest": "largest singular value",
        "weakest": "smallest singular value",
        "invisible": "share of the variance of all pictures in the null space",
        "invisible_between": "the same of the means of people",
        "invisible_within": "the same of differences from these means",
    }
    values = zip(
        (person + 1 for person in study.people),
        sight.rank.tolist(),
        sight.singular_values[:, 0].tolist(),
        sight.singular_values[:, -1].tolist(),
        sight.invisible.tolist(),
        sight.invisible_between.tolist(),
        sight.invisible_within.tolist(),
        strict=True,
    )
    return Records(columns, tuple(values))


def _span(values: Tensor) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"


_WORDS = (
    "A network that keeps few numbers of each picture must leave something out, and a good one leaves out what varies "
    "within a person rather than between people. Where the two shares are alike, or the other way round, it is not "
    "what it ignores to first order that makes it good, but how strongly it sees the rest."
)


class _Steps(NamedTuple):
    """Images after a step along an invisible direction and back onto the fiber, by person and step."""

    images: Float[Tensor, "person step c h w"]
    residual: Float[Tensor, "person step"]
    reached: Bool[Tensor, "person step"]


def _steps(study: FaceStudy) -> _Steps:
    """Steps both ways along the leading invisible directions, brought back onto the fiber."""
    sight, count = study.sight, min(_SHOWN, study.num_rows, len(study.people))
    flat = study.faces.images.flatten(1)
    spread = flat.var(dim=0).sum().sqrt()

    def step(place: tuple[int, int, float]) -> tuple[Tensor, float, bool]:
        row, direction, way = place
        image = study.probes[row : row + 1]
        length = way * _LENGTH * spread * sight.unseen_share[row, direction].sqrt()
        ahead = (image + length * sight.unseen[row, direction].view_as(image)).clamp(0, 1)
        fiber = Fiber.through(study.latent_map, image)
        found = project(fiber, ahead, num_steps=_STEPS, num_restarts=0)
        return found.points[0], float(found.residual_norm / fiber.target.norm()), found.outcome[0] is Outcome.CONVERGED

    places = [(row, k, way) for row in range(count) for k, way in _STEPS_AWAY]
    made = side_by_side(step, places, through=study.latent_map)
    images = torch.unflatten(torch.stack([image for image, _, _ in made]), 0, (count, len(_STEPS_AWAY)))
    residual = torch.tensor([each for _, each, _ in made]).view(count, -1)
    return _Steps(images, residual, torch.tensor([arrived for _, _, arrived in made]).view(count, -1))


def _figure(study: FaceStudy, steps: _Steps) -> Figure:
    images, residual, there = steps
    heads = [f"direction {k + 1}\n{'back' if way < 0 else 'forward'}" for k, way in _STEPS_AWAY]
    captions = [
        [head if arrived else f"{head}\nnot reached" for head, arrived in zip(heads, row, strict=True)]
        for row in there.tolist()
    ]
    agree, known = "", residual[there]
    if len(known):
        agree = f"; embeddings in a row agree to {short_number(float(known.max()), digits=2)} of their size"
    picture = fiber_rows(
        study.probes[: len(images)],
        images,
        headings=("Picture", "Where faces vary most, unseen"),
        labels=study.names[: len(images)],
        captions=captions,
        title="Each row is the same to the network",
        note=f"{_LENGTH:g} standard deviations along each direction, then back onto the fiber{agree}.",
    )
    return Figure(
        to_png(picture),
        caption="The faces beside each picture have its embedding, unless they were not reached: they go along the "
        "directions in which faces vary most of all that the network cannot see there.",
        alt="Rows of a face and three faces that differ from it and share its embedding.",
    )
