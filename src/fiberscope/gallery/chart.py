"""What all charts share: the frame they stand in, logarithmic axes that admit zero, labels beside lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy import ndarray
from PIL import Image

from fiberscope.gallery import text, theme
from fiberscope.gallery.numbers import power_of_ten, short_number

_LABEL_PITCH = 15.0
_TITLE_TOP = 28
_LEADER = 24
# Leaders start at the middle of a label's left side, or steep ones would run through the words.
_LEADER_LINE = {"arrowstyle": "-", "linewidth": 0.8, "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 4}


class Margins(NamedTuple):
    """Room around the axes, in design pixels."""

    left: int = 64
    right: int = 40
    top: int = 64
    bottom: int = 48


class EndLabel(NamedTuple):
    """Words beside the end of a line, in the line's colour."""

    words: str
    value: float
    colour: str


def draw_chart(
    plot: Callable[[Axes], None], *, title: str, note: str, size: tuple[int, int], margins: Margins
) -> Image.Image:
    """Draw a chart of that size in design pixels; no state of matplotlib outlives the call."""
    width, height = size[0], size[1] + (18 if note else 0)
    bottom = margins.bottom + (18 if note else 0)
    buffer = BytesIO()
    with style.context(theme.MATPLOTLIB_RC, after_reset=True):
        figure = Figure(figsize=(width / 72, height / 72))
        inner = (width - margins.left - margins.right, height - margins.top - bottom)
        axes = figure.add_axes((margins.left / width, bottom / height, inner[0] / width, inner[1] / height))
        heading = {"fontsize": theme.TITLE_SIZE, "fontweight": "bold"}
        figure.text(16 / width, 1 - _TITLE_TOP / height, title, fontdict=heading)
        figure.text(16 / width, 12 / height, note, fontsize=theme.SMALL_SIZE, color=theme.MUTED)
        plot(axes)
        figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")


def name_axes(axes: Axes, *, across: str, up: str) -> None:
    """Name both axes with words that read from left to right."""
    axes.set_xlabel(across, loc="left")
    axes.annotate(up, (0, 1), (-48, 10), "axes fraction", "offset points", color=theme.MUTED)


def floor_below(values: Float64[ndarray, "*shape"]) -> float:
    """Choose where a logarithmic axis shows exact zeros: clearly below everything else."""
    positive = np.log10(values[np.isfinite(values) & (values > 0)])
    if not positive.size:
        return 0.1
    return float(10.0 ** (positive.min() - max(0.3, 0.1 * (positive.max() - positive.min()))))


def set_log_axis(axes: Axes, values: Float64[ndarray, "*shape"]) -> None:
    """Set a logarithmic axis that fits the values, with a dotted line for exact zeros if there are any."""
    floor, finite = floor_below(values), values[np.isfinite(values)]
    positive = finite[finite > 0]
    least, greatest = (float(positive.min()), float(positive.max())) if positive.size else (1.0, 1.0)
    has_zero = positive.size < finite.size
    margin = max((greatest / (floor if has_zero else least)) ** 0.04, 1.1)
    ticks = log_ticks(least / 1.05 if has_zero else least / margin, greatest * margin)
    labels = [_tick_label(tick, plain=least >= 1e-3 and greatest <= 1e5) for tick in ticks]
    if has_zero:
        axes.axhline(floor, color=theme.MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        ticks, labels = [floor, *ticks], ["0", *labels]
    axes.set_yscale("log")
    axes.set_ylim((floor if has_zero else least) / margin, greatest * margin)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter(labels))
    axes.yaxis.set_minor_locator(FixedLocator([]))


def draw_line(
    axes: Axes,
    x: Float64[ndarray, " n"],
    y: Float64[ndarray, " n"],
    *,
    floor: float,
    colour: str,
    dashed: bool = False,
) -> float | None:
    """Draw a line whose exact zeros are dots on the floor, and return where it ends, if anywhere."""
    # A line drawn down to the floor would show a slope that the numbers do not have.
    positive, zero = y > 0, y == 0
    axes.plot(x, np.where(positive, y, np.nan), color=colour, linestyle=(0, (4, 2)) if dashed else "-")
    # A point between two gaps has no line to be seen by.
    joined = np.pad(positive, 1)
    lone = positive & ~joined[:-2] & ~joined[2:]
    for marked, heights in ((zero, np.full_like(y, floor)), (lone, y)):
        axes.plot(x[marked], heights[marked], "o", color=colour, markersize=4, clip_on=False)
    ends = np.where(zero, floor, y)[np.isfinite(y)]
    return float(ends[-1]) if ends.size else None


def log_ticks(low: float, high: float) -> list[float]:
    """Choose round numbers between the ends: at most eight decades, or 1, 2, 5 where few decades fit."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = list(range(first, last + 1))
    if len(decades) >= 3:
        return [10.0**power for power in decades[:: math.ceil(len(decades) / 8)]]
    steps = [m * 10.0**power for power in range(first - 1, last + 1) for m in (1, 2, 5)]
    found = [step for step in steps if low <= step <= high]
    # Where not even two of these fit, equal steps are as good as any.
    return found if len(found) > 1 else [each for each in MaxNLocator(4).tick_values(low, high) if low <= each <= high]


def _tick_label(tick: float, *, plain: bool) -> str:
    power = round(math.log10(tick))
    # One axis does not mix 0.01 with a power of ten.
    return short_number(tick) if plain or not math.isclose(tick, 10.0**power) else power_of_ten(power)


def room_for(labels: Sequence[str]) -> int:
    """Measure the margin, in design pixels, that labels beside line ends need."""
    return _LEADER + 20 + max(text.widest_line(label, text.PLAIN) for label in labels) // theme.DENSITY


def label_ends(axes: Axes, labels: Sequence[EndLabel]) -> None:
    """Write the labels right of the axes, each as near to its line's end as the others leave room."""
    height, bottom = axes.bbox.height / theme.DENSITY, axes.bbox.y0
    ends = [(axes.transData.transform((1.0, label.value))[1] - bottom) / theme.DENSITY for label in labels]
    for label, end, place in zip(labels, ends, spread(ends, _LABEL_PITCH, room=height), strict=True):
        axes.annotate(
            label.words,
            xy=(1, end / height),
            xytext=(_LEADER, place - end),
            xycoords="axes fraction",
            textcoords="offset points",
            color=label.colour,
            verticalalignment="center",
            arrowprops=_LEADER_LINE | {"color": label.colour},
        )


def spread(places: Sequence[float], pitch: float, *, room: float) -> list[float]:
    """Move places apart to at least the pitch, each crowd about its middle, in order and within the room."""

    def bottom(crowd: Sequence[int]) -> float:
        length = pitch * (len(crowd) - 1)
        middle = sum(places[i] for i in crowd) / len(crowd)
        return max(0.0, min(middle - length / 2, room - length))

    crowds: list[list[int]] = []
    for i in sorted(range(len(places)), key=places.__getitem__):
        crowds.append([i])
        while len(crowds) > 1 and bottom(crowds[-1]) < bottom(crowds[-2]) + pitch * len(crowds[-2]):
            crowds[-2:] = [crowds[-2] + crowds[-1]]
    moved = list(places)
    for crowd in crowds:
        for rank, i in enumerate(crowd):
            moved[i] = bottom(crowd) + rank * pitch
    return moved
