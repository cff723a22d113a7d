"""A table of numbers whose cells are coloured by them: confusions, or one number by two kinds of class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import text, theme
from fiberscope.gallery.chart import Margins, draw_chart
from fiberscope.gallery.tiles import check_length

Hue = Literal["blue", "orange", "both"]

_LEAST_WIDTH = 760
_CELL = (52, 34)
_MARGINS = Margins(left=64, right=32, top=88, bottom=16)
_STOPS: dict[Hue, list[str]] = {
    "blue": [theme.PAPER, *theme.NEGATIVE_STOPS],
    "orange": [theme.PAPER, *theme.POSITIVE_STOPS],
    "both": [*reversed(theme.POSITIVE_STOPS), theme.PAPER, *theme.NEGATIVE_STOPS],
}
_DARK = 0.85  # from here on words are light


def heat_chart(
    shares: Float[Tensor, "row column"],
    words: Sequence[Sequence[str]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    named: tuple[str, str],
    title: str,
    hue: Hue = "blue",
    note: str = "",
) -> Image.Image:
    """Draw a cell for each row and column with its words, the darker the nearer its share is to 1; NaN stays empty.

    ``named`` says what rows and what columns are. ``hue`` is orange for what should not be; both ends have
    one of the two, blue for 1, where a half is neither.
    Raises `FiberscopeError` when words, rows or columns are not one for each.
    """
    check_length(len(rows), shares.shape[0], "rows")
    check_length(len(columns), shares.shape[1], "columns")
    check_length(sum(map(len, words)), shares.numel(), "words")
    values = shares.detach().cpu().double().numpy()
    widest = max(text.widest_line(label, text.PLAIN) for label in rows) // theme.DENSITY
    head = max(text.widest_line(label, text.PLAIN) for label in columns) // theme.DENSITY
    cell = max(_CELL[0], head + 12)
    margins = _MARGINS._replace(left=max(16 + widest + 12, 64))
    width = margins.left + margins.right + cell * len(columns)
    margins = margins._replace(right=margins.right + max(0, _LEAST_WIDTH - width))
    return draw_chart(
        lambda axes: _plot(axes, values, words, rows, columns, named=named, hue=hue),
        title=title,
        note=note,
        size=(max(width, _LEAST_WIDTH), _CELL[1] * len(rows) + margins.top + margins.bottom),
        margins=margins,
    )


def _plot(
    axes: Axes,
    values: Float64[ndarray, "row column"],
    words: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    named: tuple[str, str],
    hue: Hue,
) -> None:
    colours = LinearSegmentedColormap.from_list("heat", _STOPS[hue])
    axes.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(values.shape):
        share = values[row, column]
        dark = share >= _DARK or (hue == "both" and share <= 1 - _DARK)
        axes.text(
            column, row, words[row][column], color=theme.PAPER if dark else theme.INK, fontsize=theme.SMALL_SIZE,
            horizontalalignment="center", verticalalignment="center", linespacing=1.15,
        )  # fmt: skip
    axes.xaxis.set_ticks_position("top")
    for axis, labels in ((axes.xaxis, columns), (axes.yaxis, rows)):
        axis.set_major_locator(FixedLocator(list(range(len(labels)))))
        axis.set_major_formatter(FixedFormatter(list(labels)))
    axes.tick_params(length=0, labelsize=theme.TEXT_SIZE, labelcolor=theme.INK)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    # Rules between cells: an empty row is a row all the same.
    for place in range(len(rows) + 1):
        axes.axhline(place - 0.5, color=theme.RULE, linewidth=0.8)
    for place in range(len(columns) + 1):
        axes.axvline(place - 0.5, color=theme.RULE, linewidth=0.8)
    up, across = named
    axes.annotate(across, (0, 1), (0, 24), "axes fraction", "offset points", color=theme.MUTED)
    axes.annotate(up, (0, 1), (-8, 8), "axes fraction", "offset points", color=theme.MUTED, horizontalalignment="right")
