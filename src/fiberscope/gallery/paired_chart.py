"""Two surveys of the same images: at which of them a number is greater, and by how much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import text, theme
from fiberscope.gallery.chart import Margins, draw_chart
from fiberscope.gallery.tiles import check_length

_WIDTH = 760
_PITCH = 25
_MARGINS = Margins(left=64, right=24, top=84, bottom=48)
_FILLS = ("#8fb7df", theme.TRACK, "#e3b48f")  # the first is greater, both are equal, the second is
_SPLIT = 0.56  # of the width, for the bars
_GAP = 0.05


def paired_chart(
    shares: Float[Tensor, "row 2"],
    effects: Float[Tensor, "row 3"],
    *,
    rows: Sequence[str],
    names: tuple[str, str],
    title: str,
    note: str = "",
) -> Image.Image:
    """Draw for each number the shares of images at which the first or the second is greater, and the mean difference.

    ``effects`` are the mean difference (first minus second) in standard deviations of the differences, with the ends of
    its interval; NaN is left out. Raises `FiberscopeError` when words are not one for each row.
    """
    check_length(len(rows), len(shares), "rows")
    check_length(len(effects), len(shares), "effects")
    split, strength = (each.detach().cpu().double().numpy() for each in (shares, effects))
    widest = max(text.widest_line(label, text.PLAIN) for label in rows)
    return draw_chart(
        lambda axes: _plot(axes, split, strength, rows, names),
        title=title,
        note=note,
        size=(_WIDTH, len(rows) * _PITCH + _MARGINS.top + _MARGINS.bottom),
        margins=_MARGINS._replace(left=16 + widest // theme.DENSITY + 14),
    )


def _plot(
    axes: Axes,
    shares: Float64[ndarray, "row 2"],
    effects: Float64[ndarray, "row 3"],
    rows: Sequence[str],
    names: tuple[str, str],
) -> None:
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    left, bottom, width, height = axes.get_position().bounds
    axes.set_position((left, bottom, _SPLIT * width, height))
    beside = figure.add_axes((left + (_SPLIT + _GAP) * width, bottom, (1 - _SPLIT - _GAP) * width, height))
    _draw_shares(axes, shares, rows, names)
    _draw_effects(beside, effects, names)


def _draw_shares(axes: Axes, shares: Float64[ndarray, "row 2"], rows: Sequence[str], names: tuple[str, str]) -> None:
    places = np.arange(len(rows))
    first, second = shares.T
    axes.barh(places, np.ones(len(rows)), height=0.62, color=_FILLS[1])
    axes.barh(places, first, height=0.62, color=_FILLS[0])
    axes.barh(places, second, left=1 - second, height=0.62, color=_FILLS[2])
    axes.axvline(0.5, color=theme.INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for at, name, colour, side in ((0, names[0], theme.BLUE, "left"), (1, names[1], theme.ORANGE, "right")):
        axes.annotate(
            f"{name} greater", (at, 1), (0, 8), "axes fraction", "offset points", color=colour,
            horizontalalignment=side,
        )  # fmt: skip
    axes.yaxis.set_major_locator(FixedLocator(list(places)))
    axes.yaxis.set_major_formatter(FixedFormatter(list(rows)))
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes.xaxis.set_major_formatter(FixedFormatter(["0 %", "50 %", "100 %"]))
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE, labelcolor=theme.INK)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    axes.set_xlabel("share of the images", loc="left")


def _draw_effects(axes: Axes, effects: Float64[ndarray, "row 3"], names: tuple[str, str]) -> None:
    axes.set_ylim(len(effects) - 0.4, -0.6)
    finite = np.abs(effects[np.isfinite(effects)])
    reach = 1.08 * max(float(finite.max(initial=0.0)), 0.1)
    axes.set_xlim(-reach, reach)
    axes.axvline(0, color=theme.INK, linewidth=0.9, linestyle=(0, (4, 3)))
    for place, (value, low, high) in enumerate(effects):
        axes.axhline(place, color=theme.TRACK, linewidth=0.8, zorder=0)
        colour = theme.BLUE if low > 0 else theme.ORANGE if high < 0 else theme.MUTED
        if np.isfinite(value):
            axes.hlines(place, low, high, color=colour, linewidth=2.2)
            axes.plot([value], [place], "o", color=colour, markersize=5.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_locator(FixedLocator([]))
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.annotate("mean difference", (0, 1), (0, 8), "axes fraction", "offset points", color=theme.INK)
    axes.set_xlabel("standard deviations of it", loc="left")
