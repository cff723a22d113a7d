"""Text set in a column: wrapped, measured before it is drawn, the first line strong and the rest quiet."""

from __future__ import annotations

from typing import Literal, NamedTuple

from PIL import ImageDraw

from fiberscope.gallery import theme


class Style(NamedTuple):
    """How a line of text looks; the size is in design pixels."""

    size: float
    ink: str
    bold: bool = False


TITLE = Style(theme.TITLE_SIZE, theme.INK, bold=True)
HEADING = Style(theme.HEADING_SIZE, theme.INK, bold=True)
LABEL = Style(theme.TEXT_SIZE, theme.INK, bold=True)
PLAIN = Style(theme.TEXT_SIZE, theme.INK)
QUIET = Style(theme.SMALL_SIZE, theme.MUTED)


class Line(NamedTuple):
    """One line of text on the sheet, in device pixels."""

    text: str
    style: Style
    width: int
    height: int


class Block(NamedTuple):
    """Lines that stand together, in device pixels."""

    lines: tuple[Line, ...]
    width: int
    height: int


Side = Literal["left", "centre", "right"]


def set_block(text: str, first: Style, rest: Style = QUIET, *, width: int) -> Block:
    """Wrap the text at a width; what stands before its first newline is set strong, the rest quiet."""
    lines = tuple(
        line
        for i, paragraph in enumerate(text.split("\n") if text else ())
        for line in _wrapped(paragraph, first if i == 0 else rest, width)
    )
    return Block(lines, max((line.width for line in lines), default=0), sum(line.height for line in lines))


def widest_line(text: str, style: Style) -> int:
    """Measure the text in device pixels where nothing wraps it."""
    return max(_measure(line, style) for line in text.split("\n"))


def widest_word(text: str, first: Style, rest: Style = QUIET) -> int:
    """Find the narrowest column, in device pixels, that wraps the text without cutting a word."""
    words = [
        (word, first if i == 0 else rest) for i, paragraph in enumerate(text.split("\n")) for word in _words(paragraph)
    ]
    return max((_measure(word, style) for word, style in words), default=0)


def draw_block(canvas: ImageDraw.ImageDraw, block: Block, corner: tuple[int, int], *, side: Side, width: int) -> None:
    """Draw the lines from a corner downward, aligned to a side of a column of that width."""
    left, top = corner
    for line in block.lines:
        shift = {"left": 0, "centre": (width - line.width) // 2, "right": width - line.width}[side]
        # The anchor is the baseline, or lines with and without descenders would not stand level.
        baseline = top + round(0.78 * line.height)
        face = theme.font(line.style.size, bold=line.style.bold)
        canvas.text((left + shift, baseline), line.text, font=face, fill=line.style.ink, anchor="ls")
        top += line.height


def _wrapped(paragraph: str, style: Style, width: int) -> list[Line]:
    texts: list[str] = []
    for word in _words(paragraph):
        if texts and _measure(f"{texts[-1]} {word}", style) <= width:
            texts[-1] = f"{texts[-1]} {word}"
        else:
            texts.append(word)
    height = round(1.35 * style.size * theme.DENSITY)
    return [Line(text, style, _measure(text, style), height) for text in texts or [""]]


def _words(paragraph: str) -> list[str]:
    # A plain split would also cut at no-break spaces.
    return [word for word in paragraph.split(" ") if word]


def _measure(text: str, style: Style) -> int:
    return round(theme.font(style.size, bold=style.bold).getlength(text))
