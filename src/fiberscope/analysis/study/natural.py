"""Natural images that share one latent: rows made by a generator, and what no prior would have made of them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.populations import Population, free_population, natural_population
from fiberscope.analysis.study.natural_films import Films, film
from fiberscope.analysis.study.natural_tables import rows_records, rows_table
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import fiber_rows, percent, short_number, to_png
from fiberscope.judges import Verdict
from fiberscope.moves import Outcome
from fiberscope.report import Figure, Section

MEMBERS = 7
MOST_ROWS = 10
_FREE_ROWS = 3
_CLEARLY = 3  # times nearer than two images of a class usually are, and images are nearly one
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
    rows, plain = _rows(study, natural), _plain(study, free)
    films = film(study, study.generator, natural, mass=mass)
    return Answer(
        (_section(study, natural, free, (rows, plain), films),),
        facts=(_fact(natural),),
        figures={"rows.png": rows, "rows-without-prior.png": plain, **(films.figures if films else {})},
        arrays={
            "natural_targets": targets,
            "natural_images": natural.images,
            "natural_residual": natural.residual,
            "natural_distance": natural.distance,
            "natural_free_images": free.images,
            "natural_free_residual": free.residual,
            **(films.arrays if films else {}),
        },
        records={"rows": rows_records(study, natural)},
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


def _reached(natural: Population) -> str:
    return f"{int(natural.there.sum())} of {natural.there.numel()} images"


def _worst(natural: Population) -> str:
    """Of those that arrived."""
    there = natural.residual.cpu()[natural.there]
    return short_number(float(there.max()), digits=2) if there.numel() else "none"


def _fact(natural: Population) -> tuple[str, str]:
    return (f"worst residual of the {_reached(natural)} that were made to share a latent and do", _worst(natural))


def _section(
    study: Study, natural: Population, free: Population, figures: tuple[Figure, Figure], films: Films | None
) -> Section:
    return Section(
        "Which natural images share a latent?",
        _finding(study, natural),
        (
            "A fiber holds every image with one latent, and most of them look like noise. Behind a generator that "
            "makes digits only, the fiber shows what the network ignores in the digits that people write.",
            figures[0],
            rows_table(study, natural),
            *(_shown(films) if films else ()),
            figures[1],
            f"Without the generator two images of a row end at least {short_number(float(free.nearest.median()))} "
            "apart (median), all over the box.",
        ),
    )


def _finding(study: Study, natural: Population) -> str:
    rows = natural.there.all(dim=1)
    if not bool(rows.any()):
        return f"{_reached(natural)} reached the latent that they were made for, and no row is whole."
    apart, usual = float(natural.nearest.cpu()[rows].median()), _usual_distance(study)
    little = " So the network leaves hardly more than one digit a latent." if apart < usual / _CLEARLY else ""
    return (
        f"{_reached(natural)} reached the latent that they were made for, off by {_worst(natural)} of its size at "
        f"most. In whole rows ({int(rows.sum())} of {len(rows)}) no two are nearer than {short_number(apart)} "
        f"(median); two {study.noun}s of one class are usually {short_number(usual)} apart.{little}"
        f"{_seen(study, natural)}"
    )


def _usual_distance(study: Study) -> float:
    """Median distance in pixels between two labelled images of one class."""
    order = study.data.labels.argsort(stable=True)
    images, labels = study.data.images[order].flatten(1), study.data.labels[order]
    apart = (images[1:] - images[:-1]).norm(dim=1)
    return float(apart[labels[1:] == labels[:-1]].median())


def _seen(study: Study, natural: Population) -> str:
    """In how many of those that arrived judges see what their target is; nothing without judges or classes."""
    classes = study.classes[: len(natural.images)]
    if study.panel is None or bool((classes < 0).any()):
        return ""
    there = natural.there
    images = natural.images.cpu().float()[there]
    verdicts = study.panel.verdicts(images, classes[:, None].expand(there.shape)[there])
    same = sum(verdict is Verdict.WANTED for verdict in verdicts)
    return f" Judges see the class of the first in {same} of {len(verdicts)}."


def _shown(films: Films) -> tuple[Figure | str, ...]:
    return (
        *films.figures.values(),
        f"The most different images found lie {_range(films.farthest[:, 0])} away behind the generator, and "
        f"{_range(films.farthest[:, 1])} among all images in the box. None of these misses its latent by more than "
        f"{short_number(films.residual, digits=2)} of its size.",
    )


def _range(values: Float[Tensor, " row"]) -> str:
    return f"{short_number(float(values.min()), digits=2)} to {short_number(float(values.max()), digits=2)}"


def _rows(study: Study, natural: Population) -> Figure:
    whole = bool(natural.there.all())
    return _picture(
        study,
        natural,
        heading="Made by a generator, with exactly that latent" if whole else "Made by a generator",
        title="To the network, all images in a row are one" if whole else f"{_reached(natural)} reached the latent",
        alt="Rows: a digit, and beside it digits of different slant, thickness and form.",
        caption="On the left a test digit; beside it digits that a generator makes with its latent, pushed apart along "
        "the fiber; where a search did not end on it, the words under it say so. r is the residual over the size of "
        "the latent, away the distance to the digit on the left.",
    )


def _plain(study: Study, free: Population) -> Figure:
    return _picture(
        study,
        free,
        heading="The same search in pixels, without a generator",
        title="Without a prior, the images of one latent are not digits",
        alt="Rows: a digit, and beside it images that look like noise.",
        caption="The same latents, and images pushed apart among all images with pixels from 0 to 1. What looked "
        "natural above was the generator’s doing; that the latents agree was not.",
    )


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
