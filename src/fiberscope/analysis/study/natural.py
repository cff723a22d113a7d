"""Natural images that share one latent: rows made by a generator, and what no prior would have made of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.populations import Population, free_population, natural_population
from fiberscope.analysis.records import Records
from fiberscope.analysis.study.natural_films import Films, film
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import fiber_rows, percent, short_number, to_png
from fiberscope.judges import Verdict
from fiberscope.moves import Outcome
from fiberscope.report import Figure, Section, Table

MEMBERS = 7
MOST_ROWS = 10
_FREE_ROWS = 3
_NUM_STEPS = 24
MASS = 0.9  # of the prior; with more of it rows differ more, and their rims read less as digits


def ask_natural(
    study: Study,
    *,
    members: int = MEMBERS,
    most_rows: int = MOST_ROWS,
    mass: float = MASS,
    num_steps: int = _NUM_STEPS,
) -> Answer:
    """Make digits with the latents of the images under study, as different as can be, with and without a prior.

    Raises FiberscopeError for fewer than two members a row, or a mass that is no share.
    """
    if study.generator is None:
        return Answer((_no_generator(),))
    targets = study.inputs[:most_rows]
    natural = natural_population(
        study.generator, study.latent_map, targets, members=members, random=study.rng(), mass=mass, num_steps=num_steps
    )
    free = free_population(
        study.latent_map, targets[:_FREE_ROWS], members=members, random=study.rng(), num_steps=num_steps
    )
    rows = _picture(
        study,
        natural,
        heading="Made by a generator, with exactly that latent",
        title="To the network, all images in a row are one",
        alt="Ten rows: a digit, and beside it digits of different slant, thickness and form.",
        caption="On the left a test digit; beside it digits that a generator makes and that have exactly its latent, "
        "pushed as far from one another as the fiber allows. r is the residual over the size of the latent, away the "
        "distance to the digit on the left.",
    )
    plain = _picture(
        study,
        free,
        heading="The same search in pixels, without a generator",
        title="Without a prior, the images of one latent are not digits",
        alt="Three rows: a digit, and beside it images that look like noise.",
        caption="The same latents, and images pushed apart among all images with pixels from 0 to 1. What looked "
        "natural above was the generator’s doing; that the latents agree was not.",
    )
    films = film(study, study.generator, natural, mass=mass)
    return Answer(
        (_section(study, natural, free, (rows, plain), films),),
        facts=(_fact(natural),),
        figures={"rows.png": rows, "rows-without-prior.png": plain, **films.figures},
        arrays={
            "natural_targets": targets,
            "natural_images": natural.images,
            "natural_residual": natural.residual,
            "natural_distance": natural.distance,
            "natural_free_images": free.images,
            "natural_free_residual": free.residual,
            **films.arrays,
        },
        records={"rows": _records(study, natural)},
        methods=(
            "Rows are found in the coordinates of a generator, a variational autoencoder with a learned flow as its "
            f"prior: each of its {members} members starts from a random sample of the prior and is brought onto the "
            "fiber of the network after the generator, then all are pushed apart along it (Riesz energy of their "
            f"distances in pixels). Coordinates cannot leave the ball that holds {percent(mass)} of the prior. "
            "Residuals are those of the finished images, by a forward pass of the network alone.",
        ),
    )


def _no_generator() -> Section:
    return Section(
        "Which natural images share a latent?",
        "No generator of such images ships, so this was not asked.",
        ("From Python, give one of your own to fiberscope.models.compose and explore the fibers of what it returns.",),
    )


def _fact(natural: Population) -> tuple[str, str]:
    worst = short_number(float(natural.residual.max()), digits=2)
    return ("worst residual of digits made to share a latent", worst)


def _section(
    study: Study, natural: Population, free: Population, figures: tuple[Figure, Figure], films: Films
) -> Section:
    count, members = natural.residual.shape
    apart = float(natural.nearest.median())
    same = _seen_as_target(study, natural)
    seen = "" if same is None else f" Judges see the class of the first in {same} of {count * members}."
    return Section(
        "Which natural images share a latent?",
        f"{members} digits for each of {count} latents, no two in a row nearer than {short_number(apart)} to one "
        f"another (median); the worst misses its latent by {short_number(float(natural.residual.max()), digits=2)} of "
        f"its size.{seen}",
        (
            "A fiber holds every image with one latent, and most of them look like noise. Behind a generator that "
            "makes digits only, the fiber shows what the network ignores in the digits that people write.",
            figures[0],
            _table(study, natural),
            *films.figures.values(),
            f"The most different images found lie {_range(films.farthest[:, 0])} away behind the generator, and "
            f"{_range(films.farthest[:, 1])} among all images in the box. None of these misses its latent by more than "
            f"{short_number(films.residual, digits=2)} of its size.",
            figures[1],
            f"Without the generator two images of a row end at least {short_number(float(free.nearest.median()))} "
            "apart (median), all over the box.",
        ),
    )


def _range(values: Float[Tensor, " row"]) -> str:
    return f"{short_number(float(values.min()), digits=2)} to {short_number(float(values.max()), digits=2)}"


def _seen_as_target(study: Study, natural: Population) -> int | None:
    """Images in which judges see what the network reads in their target; None without judges or classes."""
    classes = study.classes[: len(natural.images)]
    if study.panel is None or bool((classes < 0).any()):
        return None
    images = natural.images.flatten(0, 1).cpu().float()
    verdicts = study.panel.verdicts(images, classes.repeat_interleave(natural.images.shape[1]))
    return sum(verdict is Verdict.WANTED for verdict in verdicts)


def _picture(study: Study, found: Population, *, heading: str, title: str, alt: str, caption: str) -> Figure:
    count = len(found.images)
    picture = fiber_rows(
        study.inputs[:count],
        found.images,
        headings=("Target", heading),
        labels=study.images.titles[:count],
        captions=[_captions(found, row) for row in range(count)],
        title=title,
    )
    return Figure(to_png(picture), caption=caption, alt=alt)


def _captions(found: Population, row: int) -> list[str]:
    values = zip(found.outcome[row], found.residual[row].tolist(), found.from_target[row].tolist(), strict=True)
    return [
        ("" if outcome is Outcome.CONVERGED else f"{outcome.value}\n")
        + f"r {short_number(residual, digits=2)}\n{distance:.1f} away"
        for outcome, residual, distance in values
    ]


def _table(study: Study, found: Population) -> Table:
    apart = _off_diagonal(found.distance)
    rows = [
        (
            study.images.words[i],
            sum(outcome is Outcome.CONVERGED for outcome in found.outcome[i]),
            float(found.residual[i].max()),
            float(apart[i].min()),
            float(apart[i].median()),
            float(apart[i].max()),
        )
        for i in range(len(found.images))
    ]
    return Table(
        ("latent of", "on the fiber", "residual at most", "nearest two", "median two", "farthest two"),
        tuple(rows),
        "The rows of the picture. Residual: |f(x) − z| / |z| of the images themselves. The last three: Euclidean "
        "distances in pixels between two members of a row.",
    )


def _off_diagonal(distance: Float[Tensor, "row member member"]) -> Float[Tensor, "row pairs"]:
    above = torch.triu_indices(distance.shape[1], distance.shape[1], offset=1)
    return distance[:, above[0], above[1]]


def _records(study: Study, found: Population) -> Records:
    columns = {
        "image": "the image whose latent the row has",
        "member": "number of the image in its row",
        "outcome": "how the search for it ended",
        "residual": "|f(x) - z| / |z| of the image, by a forward pass",
        "from_target": "Euclidean distance to the image whose latent it has, over pixels",
        "nearest": "Euclidean distance to the member of the row that is most like it, over pixels",
    }
    alone = torch.eye(found.distance.shape[1], dtype=torch.bool, device=found.distance.device)
    nearest = found.distance.masked_fill(alone, torch.inf).amin(dim=2)
    names: Sequence[str] = study.images.names
    rows = tuple(
        (
            names[i],
            j + 1,
            found.outcome[i][j].value,
            float(found.residual[i, j]),
            float(found.from_target[i, j]),
            float(nearest[i, j]),
        )
        for i in range(len(found.images))
        for j in range(found.images.shape[1])
    )
    return Records(columns, rows)
