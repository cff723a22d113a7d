"""How far the latent drifts on the way: straight along the linearisation, or corrected onto the fiber."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
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
from fiberscope.gallery.numbers import short_number
from fiberscope.gallery.tiles import check_length
from fiberscope.problem.errors import FiberscopeError

_SIZE = (820, 440)
_WAYS = ("straight line", "corrected walk")


def drift_chart(
    arc_length: Float[Tensor, " step"],
    linear: Float[Tensor, "step walks"],
    corrected: Float[Tensor, "step walks"],
    *,
    tolerance: float,
    title: str = "How far the latent drifts on the way",
) -> Image.Image:
    """Draw the relative residual |f(x) − z| / |z| over the distance walked, for both ways of walking.

    A line is the median over walks, its band reaches from the least to the greatest, and exact zeros stand on
    a dotted line of their own.

    Raises:
        FiberscopeError: residuals are not one row for each step, or the tolerance is not positive.

    """
    check_length(len(linear), len(arc_length), "linear")
    check_length(len(corrected), len(arc_length), "corrected")
    if not tolerance > 0:
        raise FiberscopeError(f"tolerance is {tolerance}, wanted a positive number: give the one the walks ran with")
    bands = (_band(linear), _band(corrected))
    walks = linear.shape[1]
    return draw_chart(
        lambda axes: _plot(axes, arc_length.detach().cpu().double().numpy(), bands, tolerance),
        title=title,
        note=f"Line: median of {walks} walks. Band: from the least to the greatest." if walks > 1 else "",
        size=_SIZE,
        margins=Margins(right=room_for([*_WAYS, _tolerance_label(tolerance)])),
    )


def _band(residual: Float[Tensor, "step walks"]) -> Float64[ndarray, "3 step"]:
    # Quantiles that skip values that are not finite: a walk that broke off ends, the others go on.
    finite = torch.where(torch.isfinite(residual), residual, torch.nan).detach().cpu().double()
    levels = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    band: Float64[ndarray, "3 step"] = torch.nanquantile(finite, levels, dim=1).numpy()
    return band


def _plot(
    axes: Axes,
    distance: Float64[ndarray, " step"],
    bands: tuple[Float64[ndarray, "3 step"], Float64[ndarray, "3 step"]],
    tolerance: float,
) -> None:
    values = np.concatenate([*(band.ravel() for band in bands), [tolerance]])
    set_log_axis(axes, values)
    floor = floor_below(values)
    ends = [EndLabel(_tolerance_label(tolerance), tolerance, theme.MUTED)]
    axes.axhline(tolerance, color=theme.MUTED, linewidth=1.2, linestyle=(0, (5, 4)))
    for band, words, colour in zip(bands, _WAYS, (theme.ORANGE, theme.BLUE), strict=True):
        least, _, greatest = np.where(band[1] > 0, np.where(band == 0, floor, band), np.nan)
        axes.fill_between(distance, least, greatest, color=colour, alpha=0.18, linewidth=0)
        end = draw_line(axes, distance, band[1], floor=floor, colour=colour)
        if end is not None:
            ends.append(EndLabel(words, end, colour))
    axes.set_xlim(float(distance[0]), float(distance[-1]))
    name_axes(axes, across="distance walked (Euclidean norm over pixels)", up="relative residual |f(x) − z| / |z|")
    label_ends(axes, ends)


def _tolerance_label(tolerance: float) -> str:
    return f"tolerance {short_number(tolerance)}"
