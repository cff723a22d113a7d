"""How much of what varies between images the network cannot see, image by image."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator
from PIL import Image
from torch import Tensor

from fiberscope.gallery import text, theme
from fiberscope.gallery.chart import Margins, draw_chart
from fiberscope.gallery.numbers import percent
from fiberscope.gallery.tiles import check_length
from fiberscope.problem.errors import FiberscopeError

_WIDTH = 720
_BAR_PITCH = 26
_MARGINS = Margins(left=64, right=40, top=52, bottom=40)


def share_chart(
    shares: Float[Tensor, " batch"],
    labels: Sequence[str],
    *,
    title: str = "How much of the data’s variance the network cannot see",
) -> Image.Image:
    """Draw a bar for each share on the whole way from 0 % to 100 %, with its number at the end.

    Raises:
        FiberscopeError: a share lies outside [0, 1], or the labels are not one for each.

    """
    check_length(len(labels), len(shares), "labels")
    values: list[float] = shares.detach().cpu().double().tolist()
    for value in values:
        if not (math.isnan(value) or -1e-6 <= value <= 1 + 1e-6):
            raise FiberscopeError(f"shares has {value}, wanted [0, 1]: divide each variance by the total")
    widest = max(text.widest_line(label, text.PLAIN) for label in labels)
    left = max(16 + widest // theme.DENSITY + 10, 40)
    return draw_chart(
        lambda axes: _plot(axes, [min(max(value, 0.0), 1.0) for value in values], labels),
        title=title,
        note="",
        size=(_WIDTH, len(values) * _BAR_PITCH + _MARGINS.top + _MARGINS.bottom),
        margins=_MARGINS._replace(left=left),
    )


def _plot(axes: Axes, shares: Sequence[float], labels: Sequence[str]) -> None:
    places = range(len(shares))
    # The pale track is the whole: a bar is read against it, not against the longest bar.
    axes.barh(places, [1.0] * len(shares), height=0.58, color=theme.TRACK)
    drawn = [0.0 if math.isnan(share) else share for share in shares]
    axes.barh(places, drawn, height=0.58, color=theme.BLUE)
    for place, share, length in zip(places, shares, drawn, strict=True):
        fits = length > 0.15
        axes.annotate(
            percent(share),
            (length, place),
            (-7 if fits else 7, 0),
            textcoords="offset points",
            horizontalalignment="right" if fits else "left",
            verticalalignment="center_baseline",
            color=theme.PAPER if fits else theme.INK,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(places)))
    axes.yaxis.set_major_formatter(FixedFormatter(list(labels)))
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE, labelcolor=theme.INK)
    axes.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.xaxis.set_major_formatter(FixedFormatter(["0 %", "25 %", "50 %", "75 %", "100 %"]))
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
