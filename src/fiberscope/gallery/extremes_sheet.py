"""The least and the most of a property that a neighbourhood allows, image by image."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.numbers import percent
from fiberscope.gallery.sheet import Cell, Group, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, check_length, image_tile, usual_scale


def extremes_sheet(
    images: Float[Tensor, "image ..."],
    ends: Float[Tensor, "property 2 image ..."],
    *,
    properties: Sequence[str],
    own: Float[Tensor, "property image"],
    values: Float[Tensor, "property 2 image"],
    title: str = "The least and the most that a neighbourhood allows",
) -> Image.Image:
    """Draw each image (framed in orange) with the image of its neighbourhood that has the least, and the most.

    ``own`` are the properties of the images themselves, ``values`` those of the extremes, least and most: shares of 1.

    Raises:
        FiberscopeError: images, extremes, words and numbers do not belong together.

    """
    check_length(len(properties), len(ends), "properties")
    check_length(ends.shape[2], len(images), "ends")
    check_length(own.numel(), len(properties) * len(images), "own")
    check_length(values.numel(), 2 * own.numel(), "values")
    first, rest = as_images(images, "images"), as_images(ends.flatten(0, 2), "ends")
    scale = usual_scale(first.shape[-1])
    rows = []
    for i, image in enumerate(first):
        lines = [percent(float(share)) for share in own[:, i]]
        cells = [Cell(image_tile(image, scale=scale), "\n".join(lines), theme.ORANGE)]
        for p in range(len(properties)):
            for end in range(2):
                tile = image_tile(rest[(2 * p + end) * len(first) + i], scale=scale)
                cells.append(Cell(tile, percent(float(values[p, end, i]))))
        rows.append(Row(tuple(cells)))
    groups = (Group("", 1), *(Group(name[:1].upper() + name[1:], 2) for name in properties))
    heads = ("the image", *(word for _ in properties for word in ("least", "most")))
    note = f"Percentages: {', '.join(properties)}; under the image itself in this order."
    return draw_sheet(Sheet(tuple(rows), title=title, groups=groups, heads=heads, note=note))
