"""Medians with their quartiles, row by row, for several series side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import text, theme
from fiberscope.gallery.chart import Margins, draw_chart
from fiberscope.gallery.tiles import check_length
from fiberscope.problem.errors import FiberscopeError

_WIDTH = 760
_SERIES_PITCH = 13
_ROW_GAP = 12
_LEGEND = 16
_MARGINS = Margins(left=64, right=40, top=76, bottom=52)


class Mark(NamedTuple):
    """A value that all rows are read against, and its words."""

    value: float
    words: str


def quartile_chart(
    quartiles: Float[Tensor, "series row 3"],
    *,
    series: Sequence[str],
    rows: Sequence[str],
    across: str,
    title: str,
    marks: Sequence[Mark] = (),
    note: str = "",
) -> Image.Image:
    """Draw a dot at each median on a line from quartile to quartile, a colour for each series, from zero on.

    ``quartiles`` are lower quartile, median, upper quartile; a row that is NaN in a series is left out there. Raises
    `FiberscopeError` when words are not one for each, or a value is negative.
    """
    check_length(len(series), len(quartiles), "series")
    check_length(len(rows), quartiles.shape[1], "rows")
    values = quartiles.detach().cpu().double().numpy()
    if bool((values < 0).any()):
        raise FiberscopeError(f"quartiles hold {float(np.nanmin(values)):.3g}, wanted values of at least 0.")
    pitch = _SERIES_PITCH * len(series) + _ROW_GAP
    top = _MARGINS.top if len(series) > 1 else _MARGINS.top - _LEGEND
    widest = max(text.widest_line(label, text.PLAIN) for label in rows)
    return draw_chart(
        lambda axes: _plot(axes, values, series, rows, across, marks),
        title=title,
        note=note,
        size=(_WIDTH, len(rows) * pitch + top + _MARGINS.bottom),
        margins=_MARGINS._replace(top=top, left=16 + widest // theme.DENSITY + 12),
    )


def _plot(
    axes: Axes,
    values: Float64[ndarray, "series row 3"],
    series: Sequence[str],
    rows: Sequence[str],
    across: str,
    marks: Sequence[Mark],
) -> None:
    count = len(series)
    step = _SERIES_PITCH / (_SERIES_PITCH * count + _ROW_GAP)
    for i, name in enumerate(series):
        places = np.arange(len(rows)) + (i - (count - 1) / 2) * step
        colour = theme.SERIES[i % len(theme.SERIES)]
        lower, median, upper = (values[i, :, j] for j in range(3))
        axes.hlines(places, lower, upper, color=colour, linewidth=2.4, alpha=0.45)
        axes.plot(median, places, "o", color=colour, markersize=5.5, label=name, clip_on=False)
    greatest = np.nanmax(values[np.isfinite(values)], initial=0.0)
    right = 1.06 * max(greatest, *(mark.value for mark in marks), 1e-12) if marks else 1.06 * max(greatest, 1e-12)
    axes.set_xlim(0, right)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for mark in marks:
        axes.axvline(mark.value, color=theme.INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.5)
        axes.annotate(
            mark.words,
            (mark.value, 1),
            (-4 if mark.value > right / 2 else 4, 4),
            ("data", "axes fraction"),
            "offset points",
            color=theme.MUTED,
            fontsize=theme.SMALL_SIZE,
            horizontalalignment="right" if mark.value > right / 2 else "left",
        )
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(rows)))))
    axes.yaxis.set_major_formatter(FixedFormatter(list(rows)))
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE, labelcolor=theme.INK)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(across, loc="left")
    if count > 1:
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1.0 + 18 / axes.bbox.height * theme.DENSITY), ncols=count,
            frameon=False, fontsize=theme.TEXT_SIZE, borderpad=0, handletextpad=0.2, columnspacing=1.6,
            borderaxespad=0,
        )  # fmt: skip
