"""What of a variation a fiber allows: varied images beside the nearest images that share the latent of the original."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.colour_bar import colour_bar
from fiberscope.gallery.fields import channels_note, peak_magnitudes
from fiberscope.gallery.numbers import percent, short_number
from fiberscope.gallery.sheet import Cell, Group, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, check_length, image_tile, signed_tile, usual_scale

_HEADS = ("the image", "varied", "nearest on its fiber", "gave way")
_NONE = "–"


def free_sheet(
    images: Float[Tensor, "image ..."],
    varied: Float[Tensor, "variation image ..."],
    points: Float[Tensor, "variation image ..."],
    *,
    left: Float[Tensor, "variation image"],
    names: Sequence[str],
    amounts: Sequence[str],
    headings: Sequence[str],
    title: str = "What of a variation can be had without any change of latent",
) -> Image.Image:
    """Draw a row for each variation: image, varied image, the nearest image on the image's fiber, their difference.

    A blue frame stands for looks and an orange bar for a latent, so the found image has both. Under it stands ``left``,
    the share of the variation that had to give way, NaN where there is none; all differences share one scale.

    Raises:
        FiberscopeError: images, words and numbers do not belong together.

    """
    for length, argument in ((len(varied), "varied"), (len(points), "points"), (len(left), "left")):
        check_length(length, len(names), argument)
    check_length(len(amounts), len(names), "amounts")
    check_length(len(headings), len(images), "headings")
    own = as_images(images, "images")
    looks, found = (as_images(stack.flatten(0, 1), name) for stack, name in ((varied, "varied"), (points, "points")))
    check_length(len(looks), len(names) * len(own), "varied")
    check_length(len(found), len(looks), "points")
    fields, scale = looks - found, usual_scale(own.shape[-1])
    limit = max(peak_magnitudes(fields)) or 1.0
    rows = []
    for row, (name, amount) in enumerate(zip(names, amounts, strict=True)):
        cells: list[Cell] = []
        for column, image in enumerate(own):
            place = row * len(own) + column
            words = _share(float(left[row, column]))
            cells += [
                Cell(image_tile(image, scale=scale), bar=theme.ORANGE),
                Cell(image_tile(looks[place], scale=scale), amount, theme.BLUE),
                Cell(image_tile(found[place], scale=scale), words, theme.BLUE, theme.ORANGE),
                Cell(signed_tile(fields[place], limit=limit, scale=scale)),
            ]
        rows.append(Row(tuple(cells), name))
    words = short_number(limit, digits=2)
    note = "Blue frame: these looks. Orange bar: this latent. Percentages: how far the found image is from the varied "
    note += "one, as a share of how far that is from the image. Last column: varied minus found. "
    if bool(left.isnan().any()):
        note += f"{_NONE}: the variation changes nothing, or no search ended on the fiber. "
    return draw_sheet(
        Sheet(
            tuple(rows),
            title=title,
            groups=tuple(Group(heading, len(_HEADS)) for heading in headings),
            heads=_HEADS * len(own),
            legend=colour_bar(f"−{words}", f"+{words}"),
            note=note + channels_note(fields),
        )
    )


def _share(left: float) -> str:
    return _NONE if math.isnan(left) else percent(left)
