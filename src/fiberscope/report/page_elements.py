"""Figures and tables made ready for the template: sizes, data URIs, numbered captions, numbers as text."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from fiberscope.gallery import theme
from fiberscope.gallery.numbers import full_number
from fiberscope.problem.errors import FiberscopeError
from fiberscope.report.page import Figure, Table

_GROWTH = 1.35  # most fill the column then; a picture of a tile or two does not, or its words would be like headings


class Picture(NamedTuple):
    """A figure as the template needs it; width and height are in CSS pixels."""

    number: int
    source: str
    width: int
    height: int
    caption: str
    alt: str
    kind: str = "picture"


class Cell(NamedTuple):
    """A table's cell as text."""

    words: str
    numeric: bool


class Sheet(NamedTuple):
    """A table as the template needs it."""

    number: int
    columns: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str
    kind: str = "sheet"


class Snippet(NamedTuple):
    """Lines of code as the template needs them."""

    text: str
    kind: str = "code"


def picture(figure: Figure, number: int) -> Picture:
    """Put the picture into a data URI, a third larger than it was drawn for: the page narrows it to the column.

    Raises:
        FiberscopeError: the bytes are no PNG picture, or there are no words for those who do not see it.

    """
    if not figure.alt.strip():
        raise FiberscopeError(
            f"alt of figure {number} is empty, wanted words for those who do not see it: say what it shows"
        )
    try:
        with Image.open(BytesIO(figure.image), formats=["PNG"]) as image:
            width, height = image.size
    except UnidentifiedImageError as error:
        raise FiberscopeError(
            f"image of figure {number} is no PNG picture, wanted the bytes of one: use gallery.to_png"
        ) from error
    source = f"data:image/png;base64,{b64encode(figure.image).decode()}"
    size = (round(_GROWTH * width / theme.DENSITY), round(_GROWTH * height / theme.DENSITY))
    return Picture(number, source, *size, figure.caption, figure.alt)


def sheet(table: Table, number: int) -> Sheet:
    """Write the table's numbers as text; a column is numeric where every cell in it is a number.

    Raises:
        FiberscopeError: a row has not one cell for each column.

    """
    wanted = len(table.columns)
    for row in table.rows:
        if len(row) != wanted:
            raise FiberscopeError(
                f"rows of table {number} has one of {len(row)} cells, wanted {wanted}: one for each column"
            )
    numeric = [all(not isinstance(cell, str) for cell in column) for column in zip(*table.rows, strict=True)]
    numeric = numeric or [False] * wanted
    columns = tuple(Cell(name, flush) for name, flush in zip(table.columns, numeric, strict=True))
    rows = tuple(
        tuple(Cell(_words(cell), flush) for cell, flush in zip(row, numeric, strict=True)) for row in table.rows
    )
    return Sheet(number, columns, rows, table.caption)


def _words(cell: str | float | int) -> str:
    if isinstance(cell, int):
        # Counts are exact: they are grouped, never rounded.
        return f"{cell:,}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", "−")
    return cell if isinstance(cell, str) else full_number(cell)
