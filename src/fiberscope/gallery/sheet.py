"""A sheet of tiles: rows with labels, columns with headings, captions under tiles, a note at the foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from PIL import Image, ImageDraw

from fiberscope.gallery import text, theme
from fiberscope.problem.errors import FiberscopeError


def _device(design_pixels: float) -> int:
    return round(design_pixels * theme.DENSITY)


_MARGIN = _device(16.0)
_GAP = _device(8.0)
_GROUP_GAP = _device(22.0)
_ROW_GAP = _device(12.0)
_LABEL_WIDTH = _device(118.0)
_LABEL_GAP = _device(14.0)
_FRAME = _device(1.5)
_BAR = _device(3.0)
_LEAST_WIDTH = _device(320.0)


@dataclass(frozen=True)
class Cell:
    """A tile, what stands under it, the colour of its frame, and an optional coloured bar along its foot."""

    tile: Image.Image
    caption: str = ""
    frame: str = theme.RULE
    bar: str | None = None


@dataclass(frozen=True)
class Row:
    """Cells from left to right; a ruled row is set off from what stands above it, as a sum is."""

    cells: tuple[Cell, ...]
    label: str = ""
    ink: str = theme.INK
    ruled: bool = False


@dataclass(frozen=True)
class Group:
    """Neighbouring columns under one heading."""

    heading: str
    columns: int


@dataclass(frozen=True)
class Sheet:
    """All that is drawn; a first line is set strong, further lines of a label or caption quiet."""

    rows: tuple[Row, ...]
    title: str = ""
    groups: tuple[Group, ...] = ()
    heads: tuple[str, ...] = ()
    note: str = ""
    legend: Image.Image | None = None


class _Columns(NamedTuple):
    """Where things stand from left to right, in device pixels."""

    gutter: int
    lefts: tuple[int, ...]
    cell: int
    width: int


def in_rows(cells: Sequence[Cell], columns: int) -> tuple[Row, ...]:
    """Break the cells into rows of so many columns.

    Raises:
        FiberscopeError: there is not at least one column.

    """
    if columns < 1:
        raise FiberscopeError(f"columns is {columns}, wanted at least 1: leave it out for rows of ten")
    return tuple(Row(tuple(cells[i : i + columns])) for i in range(0, len(cells), columns))


def draw_sheet(sheet: Sheet) -> Image.Image:
    """Set the sheet: bands of its full width, one under the other."""
    columns = _columns(sheet)
    bands = [_title_band(sheet, columns), _group_band(sheet, columns), _head_band(sheet, columns)]
    bands += [_row_band(row, columns, last=row is sheet.rows[-1]) for row in sheet.rows]
    bands.append(_foot_band(sheet, columns))
    drawn = [band for band in bands if band is not None]
    picture = Image.new("RGB", (columns.width, sum(band.height for band in drawn) + 2 * _MARGIN), theme.PAPER)
    for band, top in zip(drawn, accumulate((b.height for b in drawn), initial=_MARGIN), strict=False):
        picture.paste(band, (0, top))
    return picture


def _columns(sheet: Sheet) -> _Columns:
    cells = [cell for row in sheet.rows for cell in row.cells]
    widths = [cell.tile.width + 2 * _FRAME for cell in cells]
    widths += [text.widest_word(cell.caption, text.PLAIN) for cell in cells]
    widths += [text.widest_word(head, text.QUIET) for head in sheet.heads]
    cell = max(widths)
    labels = [text.set_block(row.label, text.LABEL, width=_LABEL_WIDTH).width for row in sheet.rows]
    gutter = max(labels) + _LABEL_GAP if max(labels) else 0
    lefts, left = [], _MARGIN + gutter
    starts = set(accumulate(group.columns for group in sheet.groups))
    for i in range(max(len(row.cells) for row in sheet.rows)):
        left += (_GROUP_GAP - _GAP) if i in starts else 0
        lefts.append(left)
        left += cell + _GAP
    prose = text.set_block(sheet.title, text.TITLE, width=_LEAST_WIDTH).width if sheet.title else 0
    prose = max(prose, _LEAST_WIDTH if sheet.note or sheet.legend else 0)
    return _Columns(gutter, tuple(lefts), cell, max(left - _GAP, _MARGIN + prose) + _MARGIN)


def _band(columns: _Columns, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    band = Image.new("RGB", (columns.width, height), theme.PAPER)
    return band, ImageDraw.Draw(band)


def _title_band(sheet: Sheet, columns: _Columns) -> Image.Image | None:
    if not sheet.title:
        return None
    width = columns.width - 2 * _MARGIN
    block = text.set_block(sheet.title, text.TITLE, text.PLAIN, width=width)
    band, pen = _band(columns, block.height + _ROW_GAP)
    text.draw_block(pen, block, (_MARGIN, 0), side="left", width=width)
    return band


def _group_band(sheet: Sheet, columns: _Columns) -> Image.Image | None:
    if not sheet.groups:
        return None
    spans, first = [], 0
    for group in sheet.groups:
        left, right = columns.lefts[first], columns.lefts[first + group.columns - 1] + columns.cell
        spans.append((text.set_block(group.heading, text.HEADING, width=right - left), left, right))
        first += group.columns
    height = max(block.height for block, _, _ in spans)
    band, pen = _band(columns, height + _device(12.0))
    for block, left, right in spans:
        text.draw_block(pen, block, (left, height - block.height), side="left", width=right - left)
        if block.lines:
            rule = height + _device(4.0)
            pen.line((left, rule, right - 1, rule), fill=theme.MUTED, width=_device(0.5))
    return band


def _head_band(sheet: Sheet, columns: _Columns) -> Image.Image | None:
    if not sheet.heads:
        return None
    blocks = [text.set_block(head, text.QUIET, width=columns.cell) for head in sheet.heads]
    height = max(block.height for block in blocks)
    band, pen = _band(columns, height + _device(4.0))
    for block, left in zip(blocks, columns.lefts, strict=False):
        text.draw_block(pen, block, (left, height - block.height), side="centre", width=columns.cell)
    return band


def _row_band(row: Row, columns: _Columns, *, last: bool) -> Image.Image:
    captions = [text.set_block(cell.caption, text.PLAIN, width=columns.cell) for cell in row.cells]
    label = text.set_block(row.label, text.LABEL._replace(ink=row.ink), width=_LABEL_WIDTH)
    tile = max(cell.tile.height for cell in row.cells) + 2 * _FRAME
    foot = tile + max((_BAR + _FRAME if cell.bar else 0) for cell in row.cells)
    caption = max(block.height for block in captions)
    top = _ROW_GAP if row.ruled else 0
    height = max(foot + (_device(3.0) + caption if caption else 0), label.height)
    band, pen = _band(columns, top + height + (0 if last else _ROW_GAP))
    if row.ruled:
        pen.line((_MARGIN, 0, columns.width - _MARGIN, 0), fill=theme.MUTED, width=_device(0.5))
    label_top = top + max(0, (tile - label.height) // 2)
    text.draw_block(pen, label, (_MARGIN, label_top), side="left", width=columns.gutter)
    for cell, block, left in zip(row.cells, captions, columns.lefts, strict=False):
        inner = left + (columns.cell - cell.tile.width - 2 * _FRAME) // 2
        _draw_cell(band, pen, cell, (inner, top))
        text.draw_block(pen, block, (left, top + foot + _device(3.0)), side="centre", width=columns.cell)
    return band


def _draw_cell(band: Image.Image, pen: ImageDraw.ImageDraw, cell: Cell, corner: tuple[int, int]) -> None:
    left, top = corner
    right, bottom = left + cell.tile.width + 2 * _FRAME - 1, top + cell.tile.height + 2 * _FRAME - 1
    # The frame stands outside the tile, so that it hides no pixel of the image.
    pen.rectangle((left, top, right, bottom), outline=cell.frame, width=_FRAME)
    band.paste(cell.tile, (left + _FRAME, top + _FRAME))
    if cell.bar:
        pen.rectangle((left, bottom + 1 + _FRAME, right, bottom + _FRAME + _BAR), fill=cell.bar)


def _foot_band(sheet: Sheet, columns: _Columns) -> Image.Image | None:
    if not (sheet.note or sheet.legend):
        return None
    indent = _MARGIN + columns.gutter
    legend = sheet.legend or Image.new("RGB", (0, 0))
    left = indent + (legend.width + _GROUP_GAP if sheet.legend else 0)
    width = columns.width - _MARGIN - left
    block = text.set_block(sheet.note, text.QUIET, width=width)
    band, pen = _band(columns, _ROW_GAP + max(block.height, legend.height))
    band.paste(legend, (indent, _ROW_GAP))
    text.draw_block(pen, block, (left, _ROW_GAP), side="left", width=width)
    return band
