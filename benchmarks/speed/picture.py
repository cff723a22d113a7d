"""The chart of all comparisons: how many times fiberscope's time each other way takes, on a logarithmic axis."""

from __future__ import annotations

import itertools

from benchmarks.speed.rows import SHIPPED, Beside, Row, Runs, rows
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator
from PIL import Image

from fiberscope.gallery import text, theme
from fiberscope.gallery.chart import Margins, draw_chart, log_ticks
from fiberscope.gallery.numbers import short_number

_WIDTH = 820
_PITCH = 24
_GAP = 2.1  # rows between groups: the group's name stands there
_RIGHT = 160


def draw(runs: Runs) -> Image.Image:
    shown = [row for row in rows() if any(_all_of(row, runs))]
    places = _places(shown)
    widest = max(text.widest_line(row.words, text.PLAIN) for row in shown) // theme.DENSITY
    margins = Margins(left=widest + 40, right=_RIGHT, top=52, bottom=50)
    height = round((places[-1] + 0.8) * _PITCH) + margins.top + margins.bottom
    return draw_chart(
        lambda axes: _plot(axes, shown, places, runs),
        title="How many times fiberscope’s time the others take",
        note=_note(runs),
        size=(_WIDTH, height),
        margins=margins,
    )


def _note(runs: Runs) -> str:
    others = [network for network in runs.networks() if network != SHIPPED]
    words = "Disc: shipped classifier’s latent, two threads, and its median. Line: range over repeats."
    return words + (" Ring: one thread, and other networks and outputs." if others or len(runs.threads()) > 1 else "")


def _places(shown: list[Row]) -> list[float]:
    places, at = [], -0.6
    for before, row in itertools.pairwise([None, *shown]):
        at += _GAP if before is None or before.group != row.group else 1.0
        places.append(at)
    return places


def _plot(axes: Axes, shown: list[Row], places: list[float], runs: Runs) -> None:
    ratios = [value for row in shown for found in _all_of(row, runs) for value in _ends(found)]
    low, high = min(*ratios, 0.5) / 1.3, max(ratios) * 1.3
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(places[-1] + 0.8, 0)
    _name_rows(axes, shown, places)
    ticks = log_ticks(low, high)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([short_number(tick) for tick in ticks]))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.axvline(1, color=theme.INK, linewidth=1.2, zorder=1.5)
    axes.annotate(
        "fiberscope", (1, 1), (0, 5), ("data", "axes fraction"), "offset points", horizontalalignment="center"
    )
    axes.set_xlabel("times fiberscope’s time: right of 1 fiberscope is faster", loc="left")
    for row, place in zip(shown, places, strict=True):
        _draw_row(axes, place, row, runs)


def _name_rows(axes: Axes, shown: list[Row], places: list[float]) -> None:
    axes.yaxis.set_major_locator(FixedLocator(places))
    axes.yaxis.set_major_formatter(FixedFormatter([row.words for row in shown]))
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE, labelcolor=theme.INK)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    left = 16 - axes.get_position().x0 * axes.figure.get_figwidth() * 72
    frame = ("axes fraction", "data")
    for before, (row, place) in itertools.pairwise([None, *zip(shown, places, strict=True)]):
        if before is None or before[0].group != row.group:
            axes.annotate(
                row.group, (0, place - 0.95), (left, 0), frame, "offset points", fontweight="bold", va="center"
            )


def _draw_row(axes: Axes, place: float, row: Row, runs: Runs) -> None:
    threads = runs.threads()
    axes.plot([0, 1], [place, place], color=theme.TRACK, linewidth=0.8, transform=axes.get_yaxis_transform(), zorder=0)
    for network in runs.networks():
        for count in threads:
            found = _found(row, runs, network, count)
            if found and found.ratio and (network, count) != (SHIPPED, threads[-1]):
                axes.plot(
                    found.ratio.median, place, "o", markersize=4, markerfacecolor="none", color=theme.MUTED, alpha=0.7
                )
    main = _found(row, runs, SHIPPED, threads[-1])
    if main is None:
        return
    if main.ratio is None:
        _draw_never(axes, place, main)
        return
    colour = theme.BLUE if main.ratio.median >= 1 else theme.ORANGE
    axes.plot([main.ratio.low, main.ratio.high], [place, place], color=colour, linewidth=2.4, zorder=3)
    axes.plot(main.ratio.median, place, "o", markersize=8, color=colour, zorder=4)
    words = f"{short_number(main.ratio.median, digits=2)} ×" + (f", {main.aside}" if main.aside else "")
    _write(axes, place, words, colour)


def _draw_never(axes: Axes, place: float, found: Beside) -> None:
    """From what it had spent when it ended, an arrow without end."""
    end = axes.get_xlim()[1]
    arrow = {
        "arrowstyle": "-|>",
        "color": theme.BLUE,
        "linewidth": 2.4,
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 14,
    }
    axes.annotate("", (end, place), (found.at_least, place), arrowprops=arrow, zorder=3)
    axes.plot(found.at_least, place, "|", color=theme.BLUE, markersize=10, markeredgewidth=2.4, zorder=3)
    _write(axes, place, "never gets there", theme.BLUE)


def _write(axes: Axes, place: float, words: str, colour: str) -> None:
    frame = ("axes fraction", "data")
    axes.annotate(words, (1, place), (10, 0), frame, "offset points", color=colour, verticalalignment="center_baseline")


def _all_of(row: Row, runs: Runs) -> list[Beside]:
    found = [_found(row, runs, network, count) for network in runs.networks() for count in runs.threads()]
    return [each for each in found if each]


def _found(row: Row, runs: Runs, network: str, threads: int) -> Beside | None:
    figures = runs.figures(row.section, network, threads)
    return row.pick(figures) if figures else None


def _ends(found: Beside) -> list[float]:
    return [found.ratio.low, found.ratio.high] if found.ratio else [found.at_least or 1.0]
