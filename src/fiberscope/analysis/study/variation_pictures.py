"""Pictures of named variations, with their words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.analysis.study.naming import words
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_findings import labels
from fiberscope.analysis.study.variation_measures import Measured
from fiberscope.gallery import sensitivity_chart, to_png, variation_curves, variation_sheet
from fiberscope.gallery.free_sheet import free_sheet
from fiberscope.gallery.side_by_side import side_by_side
from fiberscope.gallery.variation_sheet import amount_label
from fiberscope.report import Figure
from fiberscope.variations import Variation, quartiles

_MOST_ROWS = 6
_MOST_IMAGES = 2
_TILES = 5
_USUAL_SIDE = 56  # of a tile in design pixels; a sheet of all variations is tall


def sheet_figure(study: Study, measured: Measured) -> Figure:
    """Every variation at amounts over its range, of the image of which most variations make something."""
    image = int(measured.minded.undefined.sum(dim=0).argmin())
    half = -(-len(measured.variations) // 2)
    title = f"What the names mean: {words(study.images)[image]}, varied"
    blocks = [
        _block(study.inputs[image : image + 1], part, heading)
        # A blank line in the place of a title keeps the rows of both blocks level.
        for part, heading in ((measured.variations[:half], title), (measured.variations[half:], "\N{NO-BREAK SPACE}"))
    ]
    return Figure(
        to_png(side_by_side(blocks)),
        caption="The framed image is the one that is varied; from there each row goes to the ends of what a person "
        "would still try.",
        alt=f"A row of five images for each of {len(measured.variations)} variations, in two columns.",
    )


def _block(image: Float[Tensor, "1 ..."], variations: Sequence[Variation], title: str) -> Image.Image:
    grids = [
        variation.grid(_TILES // 2 if variation.low < 0 < variation.high else _TILES - 1) for variation in variations
    ]
    orbits = [variation.orbit(image, image.new_tensor(grid)) for variation, grid in zip(variations, grids, strict=True)]
    return variation_sheet(
        [orbit.images[:, 0].cpu() for orbit in orbits],
        grids,
        names=[variation.name for variation in variations],
        units=[variation.unit for variation in variations],
        clipped=[orbit.clipped[:, 0].cpu() for orbit in orbits],
        title=title,
        scale=max(1, round(2 * _USUAL_SIDE / image.shape[-1])),
    )


def sensitivity_figure(study: Study, measured: Measured) -> Figure:
    """Relative sensitivities, most visible first."""
    minded, names = measured.minded, labels(measured)
    cut = ""
    if names != minded.names:
        cut = " Mostly cut: at the end of its range the box takes half or more of the change; the step is not clipped."
    return Figure(
        to_png(sensitivity_chart(minded.relative, names, minded.random)),
        caption=f"How far the latent moves for a small step of each variation, by how far it moves for a step of the "
        f"same size in pixels toward a {study.noun} of another class.{cut}",
        alt="A row for each variation with a dot for each image, on an axis from 0, invisible, past 1, a change of "
        "class.",
    )


def curves_figure(study: Study, measured: Measured) -> Figure:
    """How far the latent goes over the whole range of each variation."""
    followed = measured.followed
    changes = None if followed.label is None else list(followed.label)
    picture = variation_curves(
        list(followed.amounts),
        list(followed.distance),
        names=[variation.name for variation in measured.variations],
        units=[variation.unit for variation in measured.variations],
        class_changes=changes,
        between=study.scale.between / study.scale.within,
    )
    dots = "" if changes is None else " Dots mark where the network begins to read another class."
    return Figure(
        to_png(picture),
        caption=f"Dashed lines are the median latent distances between two {study.samples} of one class and of two "
        f"classes: above the lower one, the network takes notice.{dots}",
        alt="A small chart for each variation: curves that rise to both sides from zero, where nothing is changed.",
    )


def free_figure(study: Study, measured: Measured) -> Figure:
    """Varied images, and the nearest images on the fiber, from the freest variation to the least free."""
    freed = measured.freed
    shown = _spread_out(quartiles(freed.left).median)
    # A blank image first, of which most variations make nothing, is no picture of them.
    images = sorted(freed.left.isnan().sum(dim=0).argsort(stable=True)[:_MOST_IMAGES].tolist())
    some = (torch.tensor(shown)[:, None], torch.tensor(images))
    chosen = [measured.variations[row] for row in shown]
    picture = free_sheet(
        study.inputs[images].cpu(),
        freed.varied[some],
        freed.points[some],
        left=freed.left[some],
        names=[variation.name for variation in chosen],
        amounts=[
            amount_label(freed.amounts[row], variation.unit) for row, variation in zip(shown, chosen, strict=True)
        ],
        headings=[words(study.images)[image] for image in images],
    )
    return Figure(
        to_png(picture),
        caption="Each third image has exactly the latent of the first and comes as near as was found to the second; "
        "what had to be left out of the variation is the last column.",
        alt=f"Rows for {len(shown)} variations: image, varied image, an image that looks much like it, and their "
        "difference.",
    )


def _spread_out(medians: Float[Tensor, " variation"]) -> list[int]:
    """A few rows over the whole order, from the smallest median to the largest."""
    order = [row for row in medians.argsort(stable=True).tolist() if not medians[row].isnan()] or [0]
    places = torch.linspace(0, len(order) - 1, min(_MOST_ROWS, len(order))).round().long()
    return [order[place] for place in places.tolist()]
