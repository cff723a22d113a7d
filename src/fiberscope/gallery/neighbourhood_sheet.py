"""A neighbourhood in pictures: how far an image may change along each direction, the wider the tube the farther."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.numbers import short_number
from fiberscope.gallery.sheet import Cell, Group, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, check_length, image_tile, usual_scale

_SPACE = "\N{NO-BREAK SPACE}"


def neighbourhood_sheet(
    image: Float[Tensor, "..."],
    points: Float[Tensor, "radius way ..."],
    *,
    radii: Sequence[str],
    ways: Sequence[str],
    groups: Sequence[tuple[str, int]],
    numbers: Float[Tensor, "3 radius way"],
    boxed: Bool[Tensor, "radius way"],
    title: str = "How far one can go before the latent has moved too far",
) -> Image.Image:
    """Draw the boundary images in [0, 1] in a grid, a row for each radius, a column for each direction.

    ``numbers`` are the distance gone, the latent's way in units of the radius, and the distance over what the linear
    picture says: they stand under each tile, with the word "box" where the box, not the tube, ended the way. ``groups``
    are headings with the number of columns under each. The image itself, framed in orange, opens every row.

    Raises:
        FiberscopeError: points, words and numbers do not belong together.

    """
    check_length(len(radii), len(points), "radii")
    check_length(len(ways), points.shape[1], "ways")
    check_length(sum(count for _, count in groups), len(ways), "groups")
    check_length(numbers.shape[1] * numbers.shape[2], points.shape[0] * points.shape[1], "numbers")
    own = as_images(image[None], "image")[0]
    tiles = as_images(points.flatten(0, 1), "points").unflatten(0, points.shape[:2])  # type: ignore[no-untyped-call]
    scale = usual_scale(own.shape[-1])
    start = Cell(image_tile(own, scale=scale), "", theme.ORANGE)
    rows = tuple(
        Row((start, *(_cell(tiles[r, w], numbers[:, r, w], boxed[r, w], scale) for w in range(len(ways)))), radius)
        for r, radius in enumerate(radii)
    )
    heads = ("the image", *ways)
    note = (
        "Under each image: how far it has gone (Euclidean norm over pixels); the latent's way in units of the radius; "
        "and how many times farther that is than the linear picture says. box: every pixel that moves has met black or "
        "white before the latent had moved so far."
    )
    columns = (Group("", 1), *(Group(words, count) for words, count in groups))
    return draw_sheet(Sheet(rows, title=title, groups=columns, heads=heads, note=note))


def _cell(tile: Tensor, numbers: Float[Tensor, "3"], boxed: Bool[Tensor, ""], scale: int) -> Cell:
    distance, share, ratio = numbers.tolist()
    linear = f"{short_number(ratio, digits=2)}{_SPACE}×{_SPACE}linear" if 0 < ratio < math.inf else "no linear end"
    end = f"box, {share:.2f}{_SPACE}ε" if bool(boxed) else f"{share:.2f}{_SPACE}ε"
    return Cell(image_tile(tile, scale=scale), f"{short_number(distance)}\n{end}\n{linear}")
