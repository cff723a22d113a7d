"""How a number is distributed, row by row: where nine tenths of the images lie, the middle half, the median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import text, theme
from fiberscope.gallery.chart import Margins, draw_chart, log_ticks
from fiberscope.gallery.numbers import full_number, percent, short_number
from fiberscope.gallery.quartile_chart import Mark
from fiberscope.gallery.tiles import check_length

_WIDTH = 760
_PITCH = 25
_MARGINS = Margins(left=64, right=96, top=64, bottom=52)
_DECADES = 100.0  # where values reach over more than this, the axis is logarithmic


def quantile_chart(
    quantiles: Float[Tensor, "row 5"],
    *,
    rows: Sequence[str],
    across: str,
    title: str,
    strong: Sequence[int] = (0,),
    shares: bool = False,
    mark: Mark | None = None,
    note: str = "Thin line: from the 5th to the 95th of a hundred images. Thick: the middle half. Dot and number: the "
    "median.",
) -> Image.Image:
    """Draw for each row the quantiles 5, 25, 50, 75 and 95 %; ``strong`` rows stand in ink, the others in blue.

    The axis reaches over the values alone, and is logarithmic where they are positive and reach far. ``shares`` writes
    percentages. A row of NaN stays empty. Raises `FiberscopeError` when words are not one for each row.
    """
    check_length(len(rows), len(quantiles), "rows")
    values = quantiles.detach().cpu().double().numpy()
    values = np.where(np.isfinite(values), values, np.nan)
    widest = max(text.widest_line(label, text.LABEL) for label in rows)
    return draw_chart(
        lambda axes: _plot(axes, values, rows, across, frozenset(strong), shares=shares, mark=mark),
        title=title,
        note=note,
        size=(_WIDTH, len(rows) * _PITCH + _MARGINS.top + _MARGINS.bottom),
        margins=_MARGINS._replace(left=16 + widest // theme.DENSITY + 14),
    )


def _plot(
    axes: Axes,
    values: Float64[ndarray, "row 5"],
    rows: Sequence[str],
    across: str,
    strong: frozenset[int],
    *,
    shares: bool,
    mark: Mark | None,
) -> None:
    _set_axis(axes, values, shares=shares)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for place, (least, lower, median, upper, most) in enumerate(values):
        colour = theme.INK if place in strong else theme.BLUE
        axes.axhline(place, color=theme.TRACK, linewidth=0.8, zorder=0)
        if np.isnan(median):
            _write(axes, "not measured", place, theme.MUTED)
            continue
        axes.hlines(place, least, most, color=colour, linewidth=1.2, alpha=0.55, clip_on=False)
        axes.hlines(place, lower, upper, color=colour, linewidth=6, alpha=0.3, clip_on=False)
        axes.plot([median], [place], "o", color=colour, markersize=6, clip_on=False)
        _write(axes, percent(median) if shares else full_number(median), place, colour)
    if mark is not None:
        _draw_mark(axes, mark)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(rows)))))
    axes.yaxis.set_major_formatter(FixedFormatter(list(rows)))
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE, labelcolor=theme.INK)
    for place, label in enumerate(axes.get_yticklabels()):
        label.set_fontweight("bold" if place in strong else "normal")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(across, loc="left")


def _set_axis(axes: Axes, values: Float64[ndarray, "row 5"], *, shares: bool) -> None:
    finite = values[np.isfinite(values)]
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if least > 0 and most / least > _DECADES:
        axes.set_xscale("log")
        axes.set_xlim(least / 1.15, most * 1.15)
        ticks = log_ticks(least / 1.15, most * 1.15)
        axes.xaxis.set_minor_locator(FixedLocator([]))
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([short_number(tick) for tick in ticks]))
        return
    room = 0.04 * (most - least) or 0.05 * abs(most) or 0.5
    # A number that comes close to zero is read from zero on: lengths are then comparable.
    start = 0.0 if 0 <= least < 0.5 * most else least - room
    end = min(most + room, 1.005) if shares and most <= 1 else most + room
    axes.set_xlim(start, end)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    # One decimal only where whole percentages would repeat themselves.
    places = 0 if end - start > 0.05 else 1
    words = (lambda value, _: f"{100 * value:.{places}f} %") if shares else (lambda value, _: short_number(value))
    axes.xaxis.set_major_formatter(FuncFormatter(words))


def _draw_mark(axes: Axes, mark: Mark) -> None:
    low, high = axes.get_xlim()
    if not low <= mark.value <= high:
        return
    left = mark.value > (low + high) / 2
    axes.axvline(mark.value, color=theme.ORANGE, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0.5)
    axes.annotate(
        mark.words,
        (mark.value, 1),
        (-4 if left else 4, 4),
        ("data", "axes fraction"),
        "offset points",
        color=theme.ORANGE,
        fontsize=theme.SMALL_SIZE,
        horizontalalignment="right" if left else "left",
    )


def _write(axes: Axes, words: str, place: int, colour: str) -> None:
    frame = ("axes fraction", "data")
    axes.annotate(words, (1, place), (12, 0), frame, "offset points", color=colour, verticalalignment="center_baseline")
