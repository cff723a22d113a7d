"""Histograms side by side, each with its own axis: how the images are distributed over several numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.chart import Margins, draw_chart, log_ticks
from fiberscope.gallery.numbers import percent, short_number
from fiberscope.gallery.tiles import check_length
from fiberscope.problem.errors import FiberscopeError

_WIDTH = 760
_PANEL = 172
_COLUMNS = 3
_MARGINS = Margins(left=16, right=16, top=48, bottom=12)


class Histogram(NamedTuple):
    """A name, edges of bins, images in each, their median and what stands below; ``log`` for edges of powers.

    ``shares`` writes percentages. Without a median no line is drawn.
    """

    name: str
    edges: Float[Tensor, " edge"]
    counts: Int[Tensor, " bin"]
    median: float | None = None
    across: str = ""
    log: bool = False
    shares: bool = False


def histograms(parts: Sequence[Histogram], *, title: str, note: str = "") -> Image.Image:
    """Draw histograms, two or three in a row; the bars of each are read against its own longest.

    Raises:
        FiberscopeError: there is none, or one has not one bin fewer than edges.

    """
    if not parts:
        raise FiberscopeError("parts is empty, wanted at least one histogram")
    for part in parts:
        check_length(len(part.counts), len(part.edges) - 1, f"counts of {part.name}")
    columns = 2 if len(parts) in (1, 2, 4) else _COLUMNS
    rows = -(-len(parts) // columns)
    return draw_chart(
        lambda axes: _plot(axes, parts, rows, columns),
        title=title,
        note=note,
        size=(_WIDTH, rows * _PANEL + _MARGINS.top + _MARGINS.bottom),
        margins=_MARGINS,
    )


def _plot(axes: Axes, parts: Sequence[Histogram], rows: int, columns: int) -> None:
    axes.set_axis_off()
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    left, bottom, width, height = axes.get_position().bounds
    across, up = width / columns, height / rows
    for place, part in enumerate(parts):
        row, column = divmod(place, columns)
        corner = (left + (column + 0.06) * across, bottom + height - (row + 1) * up + 0.27 * up)
        panel = figure.add_axes((*corner, 0.86 * across, 0.5 * up))
        _plot_one(panel, part)


def _plot_one(axes: Axes, part: Histogram) -> None:
    edges = part.edges.detach().cpu().double().numpy()
    counts = part.counts.detach().cpu().double().numpy()
    if part.log:
        axes.set_xscale("log")
    axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=theme.NEGATIVE_STOPS[1], linewidth=0)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.06 * max(float(counts.max()), 1.0))
    heading = part.name if part.median is None else f"{part.name}\nmedian {_words(part.median, part)}"
    axes.annotate(heading, (0, 1), (0, 6), "axes fraction", "offset points", color=theme.INK, fontsize=theme.SMALL_SIZE)
    if part.median is not None:
        axes.axvline(part.median, color=theme.BLUE, linewidth=1.8)
    _set_ticks(axes, edges, part)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.grid(visible=False, axis="x")
    axes.set_xlabel(part.across, loc="left", fontsize=theme.SMALL_SIZE)


def _set_ticks(axes: Axes, edges: Float64[ndarray, " edge"], part: Histogram) -> None:
    if part.log:
        ticks = log_ticks(float(edges[0]), float(edges[-1]))
        ticks = ticks[:: max(1, -(-len(ticks) // 4))]
        axes.xaxis.set_minor_locator(FixedLocator([]))
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([short_number(tick) for tick in ticks]))
        return
    whole = bool(np.allclose(np.diff(edges), 1) and edges[0] % 1 == 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=whole))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, part)))


def _tick(value: float, part: Histogram) -> str:
    return f"{100 * value:.3g} %" if part.shares else short_number(value)


def _words(value: float, part: Histogram) -> str:
    return percent(value) if part.shares else short_number(value)
