"""Walks and farthest images behind a generator: how rows of natural images hang together, and how far they reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.populations import Population, coordinates, farthest_of_prior, wander
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import fiber_rows, filmstrip, short_number, to_png
from fiberscope.models import Generator
from fiberscope.moves import farthest
from fiberscope.problem import Fiber
from fiberscope.report import Figure

_ROWS = 4
_EVERY = 2
_FAR_STEPS = 24


class Films(NamedTuple):
    """Pictures by file name, arrays by name, and the worst residual of all that is shown."""

    figures: dict[str, Figure]
    arrays: dict[str, Tensor]
    residual: float
    farthest: Float[Tensor, "row 2"]


def film(study: Study, generator: Generator, natural: Population, *, mass: float) -> Films | None:
    """Walk from the first member of each row to the one most unlike it, and look for the farthest images.

    Only rows that are whole; None where there is none.
    """
    rows = natural.there.all(dim=1).nonzero()[:_ROWS, 0]
    if not rows.numel():
        return None
    there = coordinates(generator, study.latent_map, mass=mass)
    other = natural.distance[rows, 0].argmax(dim=1)
    starts, goals = natural.points[rows, 0], natural.points[rows, other]
    walks = wander(there, study.latent_map, starts, goals)
    targets = study.inputs[rows]
    titles = [study.images.titles[row] for row in rows.tolist()]
    far = torch.stack(
        [
            farthest_of_prior(there, starts, goals),
            farthest(Fiber.through(study.latent_map, targets), targets, num_steps=_FAR_STEPS).points,
        ],
        dim=1,
    )
    made = natural.images[rows, 0]
    from_where = torch.stack([made, targets], dim=1)
    distance = (far - from_where).flatten(2).norm(dim=2)
    residual = _residual(study, far.flatten(0, 1), targets.repeat_interleave(2, dim=0)).view(-1, 2)
    return Films(
        {
            "rows-walks.png": _walk_figure(titles, walks.images[::_EVERY], walks.gone[::_EVERY], walks.residual),
            "rows-farthest.png": _far_figure(titles, made, far, distance, residual),
        },
        {"natural_walk_images": walks.images, "natural_walk_residual": walks.residual, "natural_farthest": far},
        max(float(walks.residual.max()), float(residual.max())),
        distance,
    )


def _residual(
    study: Study, images: Float[Tensor, "image ..."], targets: Float[Tensor, "image ..."]
) -> Float[Tensor, " image"]:
    with torch.no_grad():
        aims = study.latent_map(targets)
        relative: Tensor = (study.latent_map(images) - aims).norm(dim=1) / aims.norm(dim=1)
    return relative


def _walk_figure(
    titles: Sequence[str],
    images: Float[Tensor, "step row ..."],
    gone: Float[Tensor, "step row"],
    residual: Float[Tensor, "station row"],
) -> Figure:
    picture = filmstrip(
        images,
        row_captions=[f"{title}\n{far:.0f} gone" for title, far in zip(titles, gone[-1].tolist(), strict=True)],
        title="Walks inside the prior, along which the latent stays the same",
        note=f"gone: length of the way in pixels. Residual at most {short_number(float(residual.max()), digits=2)}.",
    )
    return Figure(
        to_png(picture),
        caption="Each row walks along one fiber behind the generator, from the first digit of a row above toward the "
        "one most unlike it.",
        alt="Rows of digits that change form step by step.",
    )


def _far_figure(
    titles: Sequence[str],
    made: Float[Tensor, "row ..."],
    far: Float[Tensor, "row 2 ..."],
    distance: Float[Tensor, "row 2"],
    residual: Float[Tensor, "row 2"],
) -> Figure:
    captions = [
        [
            f"r {short_number(off, digits=2)}\n{gone:.1f} away"
            for off, gone in zip(residual[i].tolist(), distance[i].tolist(), strict=True)
        ]
        for i in range(len(made))
    ]
    picture = fiber_rows(
        made,
        far,
        headings=("Made", "Farthest: behind the generator, in the box"),
        labels=titles,
        captions=captions,
        title="The most different images of one latent",
    )
    return Figure(
        to_png(picture),
        caption="Beside a digit made for a latent, the most different digit found for it, and the image of that latent "
        "that is most unlike the test digit among all images. Both are local maxima: there may be more different ones.",
        alt="Rows of three images: a digit, another form of it, and an image like its negative.",
    )
