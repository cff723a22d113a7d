"""What becomes of a number as the radius of a neighbourhood grows, for several curves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.chart import EndLabel, Margins, draw_chart, label_ends, name_axes, room_for, set_log_axis
from fiberscope.gallery.tiles import check_length
from fiberscope.problem.errors import FiberscopeError

_SIZE = (760, 400)


class Curve(NamedTuple):
    """A name, the values at each radius (lower quartile, median, upper quartile), and whether it is a mere prediction.

    A prediction is dashed, without quartiles, in the colour of the curve before it. An empty name is not written.
    """

    name: str
    values: Float[Tensor, "radius 3"]
    predicted: bool = False


def radius_chart(
    radii: Sequence[float],
    curves: Sequence[Curve],
    *,
    up: str,
    title: str,
    shares: bool = False,
    note: str = "",
) -> Image.Image:
    """Draw curves over radii (in units of the within-class median) on a logarithmic axis, bands between quartiles.

    ``shares`` sets the vertical axis from 0 % to 100 %; else it is logarithmic too. Values that are not finite are
    left out.

    Raises:
        FiberscopeError: the curves do not have a value for each radius, or radii are not ascending and positive.

    """
    for curve in curves:
        check_length(len(curve.values), len(radii), f"curve {curve.name!r}")
    if not radii or radii[0] <= 0 or any(b <= a for a, b in pairwise(radii)):
        raise FiberscopeError(f"radii are {list(radii)}, wanted positive and ascending: sort the curves by them")
    across = np.array(radii, dtype=np.float64)
    return draw_chart(
        lambda axes: _plot(axes, across, curves, up, shares=shares),
        title=title,
        note=note,
        size=_SIZE,
        margins=Margins(right=room_for([curve.name for curve in curves])),
    )


def _plot(axes: Axes, radii: Float64[ndarray, " radius"], curves: Sequence[Curve], up: str, *, shares: bool) -> None:
    stacked = torch.cat([curve.values for curve in curves]).detach().cpu().double().numpy()
    axes.set_xscale("log")
    axes.set_xlim(radii[0] / 1.04, radii[-1] * 1.04)
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_major_locator(FixedLocator(list(radii)))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * radius:g} %" for radius in radii]))
    if shares:
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        axes.yaxis.set_major_formatter(FixedFormatter(["0 %", "25 %", "50 %", "75 %", "100 %"]))
    else:
        set_log_axis(axes, stacked)
    ends, colours = [], iter(theme.SERIES)
    colour = theme.SERIES[0]
    for curve in curves:
        colour = colour if curve.predicted else next(colours)
        lower, median, upper = curve.values.detach().cpu().double().numpy().T
        if not curve.predicted:
            axes.fill_between(radii, lower, upper, color=colour, alpha=0.15, linewidth=0)
        dashes = (0, (4, 2)) if curve.predicted else "-"
        axes.plot(radii, median, color=colour, linestyle=dashes, marker=None if curve.predicted else "o", markersize=4)
        if curve.name and np.isfinite(median[-1]):
            ends.append(EndLabel(curve.name, float(median[-1]), colour))
    name_axes(axes, across="radius of the neighbourhood (100 %: the median latent distance within a class)", up=up)
    label_ends(axes, ends)
