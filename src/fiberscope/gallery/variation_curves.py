"""How far the latent goes along each variation: small charts with one scale, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy import ndarray
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.tiles import check_length
from fiberscope.gallery.variation_sheet import amount_label
from fiberscope.problem.errors import FiberscopeError

_COLUMNS = 4
_PANEL = (168, 124)
_GAP = (22, 62)
_MARGIN = (52, 92)
_HEAD, _FOOT = 76, 58


class _Panel(NamedTuple):
    name: str
    unit: str
    amounts: Float64[ndarray, " amount"]
    distances: Float64[ndarray, "amount batch"]
    changes: Float64[ndarray, "side batch"]


def variation_curves(
    amounts: Sequence[Float[Tensor, " amount"]],
    distances: Sequence[Float[Tensor, "amount batch"]],
    *,
    names: Sequence[str],
    units: Sequence[str],
    class_changes: Sequence[Float[Tensor, "side batch"]] | None = None,
    between: float | None = None,
    title: str = "How far the latent goes along each variation",
) -> Image.Image:
    """Draw for each variation latent distances over its amounts, in units of the within-class median.

    Thin lines are images, the strong one their median; the line at 1 is the within-class median, the one at
    ``between`` that of two classes. A dot stands on a curve where the predicted class changes; infinite or NaN amounts
    have none. Images whose distances are NaN are left out. All panels have the same vertical axis.

    Raises:
        FiberscopeError: amounts, distances, names, units or class changes do not belong together.

    """
    changes = [rows.new_zeros(0, rows.shape[1]) for rows in distances] if class_changes is None else class_changes
    for lists, argument in ((distances, "distances"), (names, "names"), (units, "units"), (changes, "class_changes")):
        check_length(len(lists), len(amounts), argument)
    if not amounts:
        raise FiberscopeError("amounts is empty, wanted at least one variation: give the curves of one")
    panels = []
    for name, unit, across, up, change in zip(names, units, amounts, distances, changes, strict=True):
        check_length(len(up), len(across), "distances")
        check_length(change.shape[1], up.shape[1], "class_changes")
        if not bool((across.diff() > 0).all()):
            raise FiberscopeError(
                f"amounts of {name!r} are {across.tolist()}, wanted ascending: sort the curve by them"
            )
        panels.append(_Panel(name, unit, _array(across), _array(up), _array(change)))
    return _draw(panels, title, between, dots=class_changes is not None)


def _array(values: Tensor) -> Float64[ndarray, "*shape"]:
    array: Float64[ndarray, "*shape"] = values.detach().cpu().double().numpy()
    return array


def _draw(panels: Sequence[_Panel], title: str, between: float | None, *, dots: bool) -> Image.Image:
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    # One panel alone would leave no room for the title.
    width = max(2 * _PANEL[0], columns * (_PANEL[0] + _GAP[0]) - _GAP[0]) + sum(_MARGIN)
    height = rows * (_PANEL[1] + _GAP[1]) - _GAP[1] + _HEAD + _FOOT
    top = _top(panels, between)
    buffer = BytesIO()
    with style.context(theme.MATPLOTLIB_RC, after_reset=True):
        figure = Figure(figsize=(width / 72, height / 72))
        heading = {"fontsize": theme.TITLE_SIZE, "fontweight": "bold"}
        figure.text(16 / width, 1 - 28 / height, title, fontdict=heading)
        figure.text(16 / width, 12 / height, _note(panels, dots=dots), fontsize=theme.SMALL_SIZE, color=theme.MUTED)
        for place, panel in enumerate(panels):
            row, column = divmod(place, columns)
            left = _MARGIN[0] + column * (_PANEL[0] + _GAP[0])
            bottom = height - _HEAD - _PANEL[1] - row * (_PANEL[1] + _GAP[1])
            box = (left / width, bottom / height, _PANEL[0] / width, _PANEL[1] / height)
            axes = figure.add_axes(box)
            _plot(axes, panel, top, between)
            axes.tick_params(axis="y", labelleft=column == 0)
            if column == columns - 1 or place == len(panels) - 1:
                _name_levels(axes, between)
        figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")


def _top(panels: Sequence[_Panel], between: float | None) -> float:
    finite = np.concatenate([panel.distances[np.isfinite(panel.distances)] for panel in panels])
    return 1.06 * max(1.2, between or 0.0, float(finite.max()) if finite.size else 0.0)


def _note(panels: Sequence[_Panel], *, dots: bool) -> str:
    words = f"Thin: one of {panels[0].distances.shape[1]} images. Strong: their median. "
    words += "Vertical: |f(T x) − f(x)| by the within-class median."
    return words + (" Dot: the class changes." if dots else "")


def _plot(axes: Axes, panel: _Panel, top: float, between: float | None) -> None:
    axes.plot(panel.amounts, panel.distances, color=theme.BLUE, linewidth=0.6, alpha=0.28)
    for change in panel.changes:
        heights = [np.interp(at, panel.amounts, curve) for at, curve in zip(change, panel.distances.T, strict=True)]
        there = np.isfinite(change)
        axes.plot(change[there], np.array(heights)[there], "o", color=theme.ORANGE, markersize=3, markeredgewidth=0)
    known = panel.distances[:, ~np.isnan(panel.distances).any(axis=0)]
    if known.size:
        axes.plot(panel.amounts, np.median(known, axis=1), color=theme.BLUE, linewidth=2.2)
    for level in (1.0,) if between is None else (1.0, between):
        axes.axhline(level, color=theme.INK, linewidth=0.9, linestyle=(0, (5, 4)))
    axes.set_xlim(float(panel.amounts.min()), float(panel.amounts.max()))
    axes.set_ylim(0, top)
    axes.set_title(panel.name, loc="left", fontsize=theme.TEXT_SIZE, fontweight="bold")
    ends = sorted({float(panel.amounts.min()), 0.0, float(panel.amounts.max())})
    axes.xaxis.set_major_locator(FixedLocator(ends))
    axes.xaxis.set_major_formatter(FixedFormatter([amount_label(end, panel.unit) for end in ends]))
    # Labels at the ends of an axis stay within it, so that neighbours do not touch.
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.get_xticklabels()[-1].set_horizontalalignment("right")


def _name_levels(axes: Axes, between: float | None) -> None:
    """Say beside a panel what its dashed lines are: inside, the words would lie under the curves."""
    for level, words in [(1.0, "within a class"), *([] if between is None else [(between, "between classes")])]:
        place = ("axes fraction", "data")
        axes.annotate(words, (1, level), (5, 0), place, "offset points", verticalalignment="center", fontsize=8.5)
