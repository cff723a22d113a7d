"""The worst collisions: the network takes two images for the same, and judges see different things in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.numbers import percent, short_number
from fiberscope.gallery.sheet import Cell, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, check_length, image_tile, usual_scale


class CollisionWords(NamedTuple):
    """What is said under one collision: both classes, how sure the judges are, how far the images are apart."""

    network_class: str
    judged_class: str
    confidence: float
    distance: float


def collision_sheet(
    partners: Float[Tensor, "count ..."],
    images: Float[Tensor, "count ..."],
    words: Sequence[CollisionWords],
    *,
    giver: str = "network",
    title: str = "The worst collisions",
    note: str = "",
) -> Image.Image:
    """Draw the images whose latent is shared above those that share it and are judged to be something else.

    Raises:
        FiberscopeError: the rows are no images in [0, 1], or the words are not one for each.

    """
    above, below = as_images(partners, "partners"), as_images(images, "images")
    check_length(len(below), len(above), "images")
    check_length(len(words), len(above), "words")
    scale = usual_scale(above.shape[-1])
    first = tuple(
        Cell(image_tile(tile, scale=scale), f"{giver}: {word.network_class}", theme.RULE, theme.ORANGE)
        for tile, word in zip(above, words, strict=True)
    )
    second = tuple(
        Cell(image_tile(tile, scale=scale), _under(word), theme.BLUE, theme.ORANGE)
        for tile, word in zip(below, words, strict=True)
    )
    rows = (
        Row(first, f"an image\nand the class that the {giver} gives it", theme.ORANGE),
        Row(second, "the same latent\nand the class that judges see", theme.BLUE),
    )
    return draw_sheet(Sheet(rows, title=title, note=note))


def _under(word: CollisionWords) -> str:
    return f"judges: {word.judged_class}\n{percent(word.confidence)} sure\n{short_number(word.distance)} apart"
