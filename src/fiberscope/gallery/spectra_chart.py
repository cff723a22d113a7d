"""Spectra of several networks on one axis: the median over images, and the band between the quartiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.chart import (
    EndLabel,
    Margins,
    draw_chart,
    draw_line,
    floor_below,
    label_ends,
    name_axes,
    room_for,
    set_log_axis,
)
from fiberscope.gallery.tiles import check_length

_SIZE = (760, 420)


def spectra_chart(
    quartiles: Sequence[Float[Tensor, "_ 3"]], labels: Sequence[str], *, up: str, title: str, note: str = ""
) -> Image.Image:
    """Draw a line for each network over the directions that it sees; networks may see different numbers of them.

    ``quartiles`` are lower quartile, median, upper quartile of each direction over images. Raises `FiberscopeError`
    when labels are not one for each.
    """
    check_length(len(labels), len(quartiles), "labels")
    values = [each.detach().cpu().double().numpy() for each in quartiles]
    return draw_chart(
        lambda axes: _plot(axes, values, labels, up),
        title=title,
        note=note,
        size=_SIZE,
        margins=Margins(right=room_for(labels)),
    )


def _plot(axes: Axes, values: Sequence[Float64[ndarray, "_ 3"]], labels: Sequence[str], up: str) -> None:
    everything = np.concatenate([each.ravel() for each in values])
    floor, ends = floor_below(everything), []
    set_log_axis(axes, everything)
    for i, (label, each) in enumerate(zip(labels, values, strict=True)):
        colour, index = theme.SERIES[i % len(theme.SERIES)], np.arange(1.0, len(each) + 1)
        band = np.maximum(each[:, [0, 2]], floor)
        axes.fill_between(index, band[:, 0], band[:, 1], color=colour, alpha=0.15, linewidth=0)
        end = draw_line(axes, index, each[:, 1], floor=floor, colour=colour)
        if end is not None:
            ends.append(EndLabel(label, end, colour))
    axes.set_xlim(1, max(*(len(each) for each in values), 2))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
    axes.grid(visible=False, axis="x")
    name_axes(axes, across="direction of the row space, strongest first", up=up)
    label_ends(axes, ends)
