"""Charts: honest scales, labels that do not collide, nothing left behind in matplotlib."""

from inspect import unwrap

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from fiberscope.gallery import drift_chart, share_chart, spectrum_chart, theme, to_png
from fiberscope.gallery.chart import draw_line, floor_below, log_ticks, set_log_axis, spread
from fiberscope.problem.errors import FiberscopeError

LABELS = [f"digit {digit}" for digit in range(4)]


@pytest.fixture
def values():
    return torch.logspace(1, -3, 12, dtype=torch.float64) * torch.tensor([[1.0], [0.9], [0.5], [0.1]])


@pytest.fixture
def distance():
    return torch.linspace(0, 5, 21)


def drift(distance, **changes):
    residual = distance.unsqueeze(1).square() * torch.tensor([0.1, 0.2, 0.4])
    arguments = {"linear": residual, "corrected": 1e-12 * residual, "tolerance": 1e-10} | changes
    return unwrap(drift_chart)(distance, **arguments)


@given(st.lists(st.floats(-50, 350), min_size=1, max_size=15), st.floats(10, 20))
@settings(deadline=None, max_examples=50)
def test_labels_keep_their_order_their_distance_and_the_room(places, pitch):
    moved = spread(places, pitch, room=300.0)
    order = sorted(range(len(places)), key=places.__getitem__)
    assert np.all(np.diff([moved[i] for i in order]) >= pitch - 1e-6)
    assert min(moved) >= -1e-9
    assert max(moved) <= 300 + 1e-6


def test_labels_with_room_stay_where_they_are():
    assert spread([250.0, 10.0, 100.0], 15.0, room=300.0) == [250.0, 10.0, 100.0]


def test_ticks_are_decades_where_there_are_enough_and_finer_where_there_are_not():
    assert log_ticks(5e-4, 2.0) == pytest.approx([1e-3, 1e-2, 1e-1, 1.0])
    assert log_ticks(0.4, 6.0) == pytest.approx([0.5, 1, 2, 5])
    assert 3 <= len(log_ticks(1e-300, 1e300)) <= 8


@given(st.floats(1e-30, 1e30), st.floats(2.6, 1e6))
@settings(deadline=None, max_examples=50)
def test_an_axis_has_a_tick_whatever_its_range(low, factor):
    ticks = log_ticks(low, low * factor)
    assert ticks
    assert all(low * 0.999 <= tick <= low * factor * 1.001 for tick in ticks)


def test_zero_stands_below_everything_else_and_says_that_it_is_zero():
    values = np.array([0.0, 1e-12, 1e-3, np.nan])
    axes = Figure().add_subplot()
    set_log_axis(axes, values)
    assert axes.get_ylim()[0] < floor_below(values) < 1e-12 / 2
    assert axes.yaxis.get_major_formatter().seq[0] == "0"


def test_without_zeros_the_axis_has_no_zero():
    axes = Figure().add_subplot()
    set_log_axis(axes, np.array([1e-9, 3e-9]))
    assert axes.yaxis.get_major_formatter().seq == ["10⁻⁹", "2×10⁻⁹"]


def test_a_line_is_never_drawn_down_to_the_zero_line():
    axes = Figure().add_subplot()
    end = draw_line(axes, np.arange(4.0), np.array([1.0, 0.5, 0.0, 0.0]), floor=0.1, colour=theme.INK)
    line, dots, lone = axes.get_lines()
    assert np.isnan(line.get_ydata()[2:]).all()
    assert list(dots.get_ydata()) == [0.1, 0.1]
    assert not len(lone.get_ydata())
    assert end == 0.1


def test_a_point_between_two_gaps_is_still_seen():
    axes = Figure().add_subplot()
    draw_line(axes, np.arange(4.0), np.array([0.0, 0.5, np.nan, 2.0]), floor=0.1, colour=theme.INK)
    assert list(axes.get_lines()[2].get_ydata()) == [0.5, 2.0]


def test_the_same_numbers_give_the_same_bytes(values, distance):
    for draw in (lambda: spectrum_chart(values, LABELS), lambda: drift(distance)):
        assert to_png(draw()) == to_png(draw())


def test_a_chart_leaves_no_state_behind_and_takes_none(values):
    before = dict(matplotlib.rcParams)
    plain = to_png(spectrum_chart(values, LABELS))
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"font.size": 30, "xtick.direction": "in", "axes.labelweight": "bold"}):
        assert to_png(spectrum_chart(values, LABELS)) == plain


def test_rows_that_are_not_finite_do_not_move_the_scale_of_the_others(values):
    broken = torch.cat((values, torch.full((1, 12), torch.nan)))
    chart, clean = spectrum_chart(broken, [*LABELS, "digit 4"]), spectrum_chart(values, LABELS)
    assert chart.height > clean.height
    assert chart.crop((0, 60, 1520, 760)).tobytes() == clean.crop((0, 60, 1520, 760)).tobytes()


def test_a_row_with_one_value_that_is_not_finite_is_left_out_whole(values):
    charts = []
    for missing in (slice(3, 4), slice(None)):
        broken = values.clone()
        broken[1, missing] = torch.nan
        charts.append(to_png(spectrum_chart(broken, LABELS)))
    assert charts[0] == charts[1]


@pytest.mark.parametrize("level", [0.0, float("nan"), 1.0])
def test_charts_of_only_zeros_or_nothing_finite_are_still_drawn(level, distance):
    flat = torch.full((21, 3), level)
    assert drift(distance, linear=flat, corrected=flat).width
    assert spectrum_chart(torch.full((4, 5), level), LABELS).width


def test_one_latent_is_a_spectrum_too():
    assert spectrum_chart(torch.tensor([[2.0]]), ["one"]).width


def test_a_walk_that_breaks_off_leaves_the_band_of_the_others(distance):
    residual = torch.rand(21, 3, generator=torch.Generator().manual_seed(0))
    broken = torch.cat((residual, torch.full((21, 1), torch.nan)), dim=1)
    charts = [drift(distance, corrected=walks).crop((0, 60, 1200, 760)) for walks in (residual, broken)]
    assert charts[0].tobytes() == charts[1].tobytes()


def test_a_bar_is_as_long_as_its_share():
    chart = np.array(share_chart(torch.tensor([0.25, 0.5, 1.0]), ["a", "b", "c"]))
    blue = (chart == np.array([0x1F, 0x5F, 0x9E])).all(-1)
    lengths = [blue[52 * 2 + 52 * i + 14].sum() for i in range(3)]
    assert np.nonzero(blue.any(0))[0].max() == pytest.approx(chart.shape[1] - 80, abs=2)
    assert lengths[0] / lengths[2] == pytest.approx(0.25, abs=0.01)
    assert lengths[1] / lengths[2] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("draw", "argument"),
    [
        (lambda: spectrum_chart(torch.ones(2, 3), ["one"]), "labels"),
        (lambda: share_chart(torch.ones(2), ["one"]), "labels"),
        (lambda: share_chart(torch.tensor([91.0]), ["one"]), "shares"),
        (lambda: drift(torch.linspace(0, 1, 3), tolerance=0.0), "tolerance"),
        (lambda: drift(torch.linspace(0, 1, 3), linear=torch.ones(2, 3)), "linear"),
        (lambda: drift(torch.linspace(0, 1, 3), corrected=torch.ones(2, 3)), "corrected"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(draw, argument):
    with pytest.raises(FiberscopeError, match=f"^{argument}"):
        draw()
