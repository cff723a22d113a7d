"""Singular values of the Jacobian: how strongly the network sees each direction of its row space."""

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

_WIDTH, _HEIGHT = 760, 420


def spectrum_chart(
    singular_values: Float[Tensor, "batch m"],
    labels: Sequence[str],
    *,
    title: str = "How strongly the network sees each direction",
) -> Image.Image:
    """Draw a line for each image over the directions of its row space, strongest first, on a log axis.

    Exact zeros stand on a dotted line of their own; a row that is not finite is named at the foot.

    Raises:
        FiberscopeError: the labels are not one for each row.

    """
    check_length(len(labels), len(singular_values), "labels")
    values = singular_values.detach().cpu().double().numpy()
    drawable = np.isfinite(values).all(axis=1)
    missing = ", ".join(label for label, good in zip(labels, drawable, strict=True) if not good)
    names = [label for label, good in zip(labels, drawable, strict=True) if good]
    return draw_chart(
        lambda axes: _plot(axes, values[drawable], names),
        title=title,
        note=f"Not finite, not drawn: {missing}." if missing else "",
        size=(_WIDTH, max(_HEIGHT, 15 * len(labels) + 120)),
        margins=Margins(right=room_for(labels)),
    )


def _plot(axes: Axes, values: Float64[ndarray, "batch m"], labels: Sequence[str]) -> None:
    index = np.arange(1.0, values.shape[1] + 1)
    floor, ends = floor_below(values), []
    set_log_axis(axes, values)
    for i, (label, row) in enumerate(zip(labels, values, strict=True)):
        colour, dashed = theme.SERIES[i % len(theme.SERIES)], i >= len(theme.SERIES)
        end = draw_line(axes, index, row, floor=floor, colour=colour, dashed=dashed)
        if end is not None:
            ends.append(EndLabel(label, end, colour))
    axes.set_xlim(1, max(len(index), 2))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
    axes.grid(visible=False, axis="x")
    name_axes(axes, across="direction of the row space, strongest first", up="singular value of the Jacobian")
    label_ends(axes, ends)
