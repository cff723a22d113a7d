"""A sheet of variations: each a row of one image at several amounts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.numbers import short_number
from fiberscope.gallery.sheet import Cell, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, check_length, image_tile, usual_scale

_NO_BREAK = "\N{NO-BREAK SPACE}"
_WORTH_SAYING = 0.1  # share of a change that the box took away, from which the sheet mentions it


def variation_sheet(
    images: Sequence[Float[Tensor, "amount ..."]],
    amounts: Sequence[Sequence[float]],
    *,
    names: Sequence[str],
    units: Sequence[str],
    clipped: Sequence[Float[Tensor, " amount"]] | None = None,
    title: str = "One image, varied",
    scale: int | None = None,
) -> Image.Image:
    """Draw for each variation a row of images in [0, 1], the amount with its unit under each.

    The tile at amount 0, which is the image itself, is framed in orange; where the box took away at least a tenth of a
    change, its share stands under the amount.

    Raises:
        FiberscopeError: images, amounts, names, units or shares do not belong together.

    """
    lost = [row.new_zeros(len(row)) for row in images] if clipped is None else clipped
    for lists, argument in ((amounts, "amounts"), (names, "names"), (units, "units"), (lost, "clipped")):
        check_length(len(lists), len(images), argument)
    rows = []
    for stack, values, name, unit, shares in zip(images, amounts, names, units, lost, strict=True):
        check_length(len(values), len(stack), "amounts")
        check_length(len(shares), len(stack), "clipped")
        tiles = as_images(stack, "images")
        size = scale or usual_scale(tiles.shape[-1])
        cells = tuple(
            Cell(image_tile(tile, scale=size), _caption(value, unit, share), theme.RULE if value else theme.ORANGE)
            for tile, value, share in zip(tiles, values, shares.tolist(), strict=True)
        )
        rows.append(Row(cells, name))
    some = any(bool((shares >= _WORTH_SAYING).any()) for shares in lost)
    note = "cut: the share of the change that the box [0, 1] took away, where it is a tenth or more." if some else ""
    return draw_sheet(Sheet(tuple(rows), title=title, note=note))


def amount_label(amount: float, unit: str) -> str:
    """Write an amount with its sign and unit, as one word."""
    number = short_number(amount)
    gap = "" if unit == "°" else _NO_BREAK
    return f"{'+' if amount > 0 else ''}{number}{gap}{unit}".rstrip(_NO_BREAK)


def _caption(amount: float, unit: str, share: float) -> str:
    if math.isnan(share) or share < _WORTH_SAYING:
        return amount_label(amount, unit)
    return f"{amount_label(amount, unit)}\ncut{_NO_BREAK}{round(100 * share)}{_NO_BREAK}%"
