"""Charts of surveys: every value is drawn where it belongs, whatever the records hold."""

import math

import numpy as np
import pytest
import torch

from fiberscope.gallery import Histogram, heat_chart, histograms, paired_chart, quantile_chart
from fiberscope.gallery.chart import log_ticks
from fiberscope.problem.errors import FiberscopeError

BLUE, ORANGE = (35, 108, 181), (167, 84, 0)


def nan(*shape):
    return torch.full(shape, math.nan)


@pytest.mark.parametrize(
    "values",
    [nan(1, 5), torch.zeros(1, 5), torch.full((2, 5), -3.0), torch.logspace(-6, 2, 5).unsqueeze(0), torch.ones(1, 5)],
    ids=["unknown", "zero", "negative", "decades", "one"],
)
def test_rows_of_any_values_are_drawn(values):
    rows = [f"class {row}" for row in range(len(values))]
    assert quantile_chart(values, rows=rows, across="x", title="T", shares=bool((values == 1).all())).width == 1520


def test_a_histogram_has_a_bar_for_each_bin_and_none_for_an_empty_one():
    part = Histogram("x", torch.arange(4.0), torch.tensor([2, 0, 1]))
    picture = np.asarray(histograms([part], title="T")).astype(int)
    fill = (np.abs(picture - [124, 178, 238]).sum(axis=2) < 6).sum(axis=0)
    heights = fill[fill > 0]
    # The bar of two is twice as high as that of one, and between them nothing is.
    assert sorted(set(np.round(heights / heights.max(), 1))) == [0.5, 1.0]
    inside = fill[np.flatnonzero(fill)[0] : np.flatnonzero(fill)[-1]]
    assert (inside == 0).sum() > 0.8 * len(inside) / 3


@pytest.mark.parametrize(("hue", "colours"), [("blue", (BLUE,)), ("orange", (ORANGE,)), ("both", (BLUE, ORANGE))])
def test_cells_are_as_dark_as_their_shares(hue, colours):
    chart = heat_chart(
        torch.tensor([[1.0, math.nan], [0.5, 0.0]]), [["", ""], ["", ""]],
        rows=["a", "b"], columns=["c", "d"], named=("r", "c"), title="T", hue=hue,
    )  # fmt: skip
    picture = np.asarray(chart).astype(int)
    cell = int((np.abs(picture - BLUE).sum(axis=2) < 6).sum()), int((np.abs(picture - ORANGE).sum(axis=2) < 6).sum())
    size = 52 * 34 * 4
    assert (cell[0] > 0.9 * size) == (BLUE in colours)
    assert (cell[1] > 0.9 * size) == (ORANGE in colours)


def test_differences_without_a_value_are_left_out():
    shares, effects = torch.tensor([[0.2, 0.8], [0.0, 0.0]]), torch.tensor([[-1.0, -1.2, -0.8], [math.nan] * 3])
    assert paired_chart(shares, effects, rows=["a", "b"], names=("A", "B"), title="T").width == 1520


@pytest.mark.parametrize(
    ("draw", "argument"),
    [
        (lambda: quantile_chart(nan(2, 5), rows=["a"], across="", title=""), "rows"),
        (lambda: histograms([], title=""), "parts"),
        (lambda: histograms([Histogram("x", torch.arange(3.0), torch.tensor([1]))], title=""), "counts of x"),
        (lambda: heat_chart(nan(1, 2), [[""]], rows=["a"], columns=["b", "c"], named=("", ""), title=""), "words"),
        (lambda: paired_chart(nan(2, 2), nan(2, 3), rows=["a"], names=("", ""), title=""), "rows"),
    ],
)
def test_words_that_do_not_fit_are_refused_by_name(draw, argument):
    with pytest.raises(FiberscopeError, match=f"^{argument} "):
        draw()


def test_a_narrow_axis_has_ticks_too():
    ticks = log_ticks(0.51, 0.66)
    assert len(ticks) >= 2
    assert all(0.51 <= tick <= 0.66 for tick in ticks)
