"""How near a neighbourhood comes to another image as it grows: a row for each pair of images."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.numbers import percent
from fiberscope.gallery.sheet import Cell, Group, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, check_length, image_tile, usual_scale


def approach_sheet(
    sources: Float[Tensor, "pair ..."],
    points: Float[Tensor, "radius pair ..."],
    goals: Float[Tensor, "pair ..."],
    *,
    radii: Sequence[str],
    left: Float[Tensor, "radius pair"],
    readings: Sequence[Sequence[str]] | None = None,
    title: str = "The wider the neighbourhood, the nearer it comes to another image",
) -> Image.Image:
    """Draw each source (framed in orange), the points of its tubes that are nearest to its goal, and the goal (blue).

    ``left`` is what is left of the way from source to goal, as a share; ``readings`` what the network reads in each
    point, a sequence for each radius.

    Raises:
        FiberscopeError: sources, points, goals, words and numbers do not belong together.

    """
    check_length(len(radii), len(points), "radii")
    check_length(len(points[0]), len(sources), "points")
    check_length(len(goals), len(sources), "goals")
    check_length(left.numel(), len(points) * len(sources), "left")
    first, last = as_images(sources, "sources"), as_images(goals, "goals")
    between = [as_images(stack, "points") for stack in points]
    scale = usual_scale(first.shape[-1])
    rows = []
    for pair in range(len(first)):
        cells = [Cell(image_tile(first[pair], scale=scale), "", theme.ORANGE)]
        for r, stack in enumerate(between):
            words = percent(float(left[r, pair]))
            words = words if readings is None else f"{words}\nread as {readings[r][pair]}"
            cells.append(Cell(image_tile(stack[pair], scale=scale), words))
        rows.append(Row((*cells, Cell(image_tile(last[pair], scale=scale), "", theme.BLUE))))
    heads = ("the image", *radii, "goes toward")
    groups = (Group("", 1), Group("Nearest image of the tube, by its radius", len(radii)), Group("", 1))
    note = "Percentages: what is left of the way from the image on the left to the one on the right."
    return draw_sheet(Sheet(tuple(rows), title=title, heads=heads, groups=groups, note=note))
