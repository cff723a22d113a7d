"""How visible each variation is to a network, most visible first, beside a change of class and random directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import text, theme
from fiberscope.gallery.chart import Margins, draw_chart
from fiberscope.gallery.numbers import full_number
from fiberscope.gallery.tiles import check_length

_WIDTH = 780
_PITCH = 27
_MARGINS = Margins(left=64, right=64, top=84, bottom=50)
_NO_TANGENT = "changes nothing"


def sensitivity_chart(
    relative: Float[Tensor, "variation batch"],
    names: Sequence[str],
    random: Float[Tensor, " batch"],
    *,
    title: str = "What the network notices, and what it hardly sees",
) -> Image.Image:
    """Draw relative sensitivities on a linear axis from 0, one row a variation, sorted by their median.

    A dot is an image, a bar reaches over the middle half of them, the number at the end is the median. 1 is a change
    of class; the dashed line is the median of random directions. Values that are NaN are left out and counted.

    Raises:
        FiberscopeError: there is not one name for each variation.

    """
    check_length(len(names), len(relative), "names")
    values = relative.detach().cpu().double().numpy()
    values = np.where(np.isfinite(values), values, np.nan)
    medians = np.array([np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else -1.0 for row in values])
    order = np.argsort(-medians, kind="stable")
    noise = random.detach().cpu().double().numpy()
    noise = noise[np.isfinite(noise)]
    widest = max(text.widest_line(name, text.PLAIN) for name in names) // theme.DENSITY
    return draw_chart(
        lambda axes: _plot(
            axes, values[order], [names[i] for i in order], float(np.median(noise)) if len(noise) else None
        ),
        title=title,
        note=_note(values),
        size=(_WIDTH, len(names) * _PITCH + _MARGINS.top + _MARGINS.bottom),
        margins=_MARGINS._replace(left=widest + 28),
    )


def _note(values: Float64[ndarray, "variation batch"]) -> str:
    lost = int(np.isnan(values).sum())
    count = values.shape[1]
    words = f"Dot: one of {count} images. Bar: the middle half of them. Number: their median." if count > 1 else ""
    return words + (f" {lost} without a value are left out." if lost else "")


def _plot(axes: Axes, values: Float64[ndarray, "variation batch"], names: Sequence[str], noise: float | None) -> None:
    finite = values[~np.isnan(values)]
    end = 1.04 * max([1.0, noise or 0.0, *finite.tolist()])
    axes.set_xlim(0, end)
    for place, row in enumerate(values):
        _draw_row(axes, place, row[~np.isnan(row)])
    _draw_yardstick(axes, 1.0, "a change of class", theme.INK, rise=18)
    if noise is not None:
        _draw_yardstick(axes, noise, "random directions", theme.ORANGE, rise=3)
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(names)))))
    axes.yaxis.set_major_formatter(FixedFormatter(list(names)))
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE, labelcolor=theme.INK)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("relative sensitivity |J t| / |t| (1: as visible as a change of class; 0: invisible)", loc="left")


def _draw_row(axes: Axes, place: int, row: Float64[ndarray, " image"]) -> None:
    axes.plot([0, 1], [place, place], color=theme.TRACK, linewidth=0.8, transform=axes.get_yaxis_transform(), zorder=0)
    if not len(row):
        _write_beside(axes, _NO_TANGENT, (0.0, float(place)), theme.MUTED)
        return
    lower, median, upper = np.quantile(row, [0.25, 0.5, 0.75])
    axes.barh(place, upper - lower, left=lower, height=0.56, color=theme.NEGATIVE_STOPS[0], zorder=1)
    heights = np.full(len(row), place)
    axes.plot(row, heights, "o", color=theme.BLUE, markersize=3, alpha=0.35, markeredgewidth=0, zorder=2)
    axes.plot([median, median], [place - 0.36, place + 0.36], color=theme.BLUE, linewidth=2.6, zorder=3)
    _write_beside(axes, full_number(float(median), digits=2), (1.0, float(place)), theme.BLUE)


def _write_beside(axes: Axes, words: str, at: tuple[float, float], colour: str) -> None:
    frame = ("axes fraction", "data")
    axes.annotate(words, at, (8, 0), frame, "offset points", color=colour, verticalalignment="center_baseline")


def _draw_yardstick(axes: Axes, at: float, words: str, colour: str, *, rise: int) -> None:
    """A line down the chart that goes on to its words, each line's words at another height."""
    frame = ("data", "axes fraction")
    line = {"arrowstyle": "-", "color": colour, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.2}
    axes.axvline(at, color=colour, linewidth=1.2, linestyle="-" if at == 1 else (0, (5, 4)), zorder=1.5)
    axes.annotate("", (at, 1), (0, rise + 11), frame, "offset points", arrowprops=line)
    right = at < 0.75 * axes.get_xlim()[1]
    place, side = (4 if right else -4, rise), "left" if right else "right"
    axes.annotate(words, (at, 1), place, frame, "offset points", color=colour, horizontalalignment=side)
