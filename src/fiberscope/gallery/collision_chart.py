"""What judges say of images of one latent, by distance: wanted, unsure, collision."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float64, Int
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.chart import EndLabel, Margins, draw_chart, label_ends, name_axes, room_for
from fiberscope.gallery.numbers import short_number
from fiberscope.gallery.tiles import check_length
from fiberscope.problem.errors import FiberscopeError

_PARTS = ("collision", "unsure", "wanted")
_FILLS = (theme.ORANGE, theme.RULE, "#b9cde2")
_INKS = (theme.ORANGE, theme.MUTED, theme.BLUE)
_BIN_WIDTH = 92
_HEIGHT = 380


def collision_chart(
    edges: Float[Tensor, " edge"],
    counts: Int[Tensor, "3 bin"],
    interval: Float[Tensor, "2 bin"],
    *,
    title: str = "Wanted or not: what judges say, by distance",
    across: str = "distance to the image whose latent they have (Euclidean norm over pixels)",
) -> Image.Image:
    """Draw for each bin of distance the shares of collisions, unsure images and wanted ones, from the foot up.

    Whiskers are the interval of the share of collisions; the number of images stands under each bin.

    Raises:
        FiberscopeError: bins are not one fewer than edges, or no image was counted.

    """
    check_length(counts.shape[1], len(edges) - 1, "counts")
    check_length(interval.shape[1], len(edges) - 1, "interval")
    if not int(counts.sum()):
        raise FiberscopeError("counts has no image in any bin: choose edges that reach over the distances")
    bounds = [short_number(edge) for edge in edges.tolist()]
    names = [f"{low} to {high}" for low, high in pairwise(bounds)]
    labels = [f"{name}\n{total} images" for name, total in zip(names, counts.sum(dim=0).tolist(), strict=True)]
    margins = Margins(right=room_for(_PARTS), bottom=66)
    return draw_chart(
        lambda axes: _plot(axes, counts.numpy().astype(np.float64), interval.double().numpy(), labels, across),
        title=title,
        note="Whiskers: 95 % interval of the share of collisions (Wilson), as if all images were independent.",
        size=(max(560, margins.left + margins.right + _BIN_WIDTH * len(labels)), _HEIGHT),
        margins=margins,
    )


def _plot(
    axes: Axes,
    counts: Float64[ndarray, "3 bin"],
    interval: Float64[ndarray, "2 bin"],
    labels: list[str],
    across: str,
) -> None:
    totals = counts.sum(axis=0)
    # an empty bin stays empty: a bar of height zero would say that no collision was found there
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    feet = np.cumsum(shares, axis=0) - shares
    places = np.arange(len(labels))
    for share, foot, fill in zip(shares, feet, _FILLS, strict=True):
        axes.bar(places, share, bottom=foot, width=0.72, color=fill)
    full = totals > 0
    reach = np.abs(interval - shares[0])[:, full]
    axes.errorbar(places[full], shares[0][full], yerr=reach, fmt="none", ecolor=theme.INK, elinewidth=1.2, capsize=4)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_locator(FixedLocator(list(places)))
    axes.xaxis.set_major_formatter(FixedFormatter(labels))
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(FixedFormatter(["0 %", "25 %", "50 %", "75 %", "100 %"]))
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="x")
    name_axes(axes, across=across, up="share of the images")
    last = int(np.flatnonzero(full)[-1])
    middles = (feet + shares / 2)[:, last]
    # A part that is missing from the last bar still needs its name.
    parts = zip(_PARTS, middles.tolist(), _INKS, counts.sum(axis=1).tolist(), strict=True)
    label_ends(axes, [EndLabel(part, middle, ink) for part, middle, ink, count in parts if count > 0])
