"""Variations in pictures: amounts under their images, medians in order, curves on one scale."""

import math
from inspect import unwrap

import numpy as np
import pytest
import torch
from PIL import ImageColor

from fiberscope.gallery import sensitivity_chart, theme, to_png, variation_curves, variation_sheet
from fiberscope.gallery.tiles import image_tile
from fiberscope.gallery.variation_sheet import amount_label
from fiberscope.problem.errors import FiberscopeError

NAMES, UNITS = ("rotation", "blur"), ("°", "px²")
AMOUNTS = (torch.tensor([-10.0, 0.0, 10.0]), torch.tensor([0.0, 1.0, 2.0]))


@pytest.fixture
def images():
    return [torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(i)) for i in range(2)]


def distances():
    return [amounts.abs()[:, None] * torch.tensor([0.1, 0.2, 0.3]) for amounts in AMOUNTS]


def sheet(images, **more):
    return unwrap(variation_sheet)(images, [a.tolist() for a in AMOUNTS], **{"names": NAMES, "units": UNITS} | more)


def curves(**more):
    arguments = {"amounts": AMOUNTS, "distances": distances(), "names": NAMES, "units": UNITS} | more
    return unwrap(variation_curves)(arguments.pop("amounts"), arguments.pop("distances"), **arguments)


def chart(values, names=("first", "second", "third"), noise=(0.3, 0.4)):
    return unwrap(sensitivity_chart)(torch.as_tensor(values), names, torch.tensor(noise))


def pixels(picture, colour):
    return (np.array(picture) == np.array(ImageColor.getrgb(colour))).all(-1)


def test_every_image_of_an_orbit_is_on_the_sheet_unchanged(images):
    drawn = np.array(sheet(images))
    for stack in images:
        for image in stack:
            tile = np.array(image_tile(image.double(), scale=5))
            windows = np.lib.stride_tricks.sliding_window_view(drawn[..., 0], tile.shape[:2])
            corners = np.argwhere(windows[:, :, 0, 0] == tile[0, 0, 0])
            assert any((windows[top, left] == tile[..., 0]).all() for top, left in corners)


def test_the_image_itself_is_framed(images):
    places = np.argwhere(pixels(sheet(images), theme.ORANGE))
    assert len(places) > 0
    # In the first row it stands in the middle, in the second at the left.
    left = [places[(places[:, 0] > half[0]) & (places[:, 0] < half[1])][:, 1].min() for half in ((0, 300), (300, 900))]
    assert left[0] > left[1]


def test_a_cut_is_said_where_it_is_a_tenth_or_more(images):
    plain, slight = sheet(images), sheet(images, clipped=[torch.full((3,), 0.05)] * 2)
    strong = sheet(images, clipped=[torch.tensor([0.05, 0.0, 0.4])] * 2)
    assert to_png(plain) == to_png(slight)
    assert strong.height > plain.height


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (-15.0, "°", "−15°"),
        (1.25, "px", "+1.25\u00a0px"),
        (0.0, "%", "0\u00a0%"),
        (2.0, "", "+2"),
        (100.0, "%", "+100\u00a0%"),
    ],
)
def test_amounts_have_sign_and_unit(amount, unit, words):
    assert amount_label(amount, unit) == words


def test_the_most_visible_stands_on_top():
    up = chart([[0.1, 0.1], [0.9, 0.9], [0.5, 0.5]])
    assert to_png(up) == to_png(chart([[0.9, 0.9], [0.5, 0.5], [0.1, 0.1]], ("second", "third", "first")))
    blue = [np.argwhere(pixels(up, theme.BLUE)[168 + 54 * i : 222 + 54 * i, 150:1400])[:, 1].min() for i in range(3)]
    assert blue[0] > blue[1] > blue[2]


def test_a_median_stands_where_it_is_on_an_axis_from_zero():
    drawn = pixels(chart([[2.0, 2.0], [1.0, 1.0], [0.5, 0.5]]), theme.BLUE)
    ink = np.argwhere(pixels(chart([[2.0, 2.0], [1.0, 1.0], [0.5, 0.5]]), theme.INK)[168:330, 100:1400])
    line = 100 + np.bincount(ink[:, 1]).argmax()  # the change of class, at 1
    marks = [np.argwhere(drawn[168 + 54 * i : 222 + 54 * i, 100:1420])[:, 1].mean() + 100 for i in (0, 2)]
    assert marks[0] - line == pytest.approx(2 * (line - marks[1]), rel=0.03)


def test_values_that_are_missing_leave_the_others_where_they_are():
    with_gap = chart([[0.9, 0.8, math.nan], [0.5, 0.5, math.nan], [0.1, 0.2, math.nan]])
    without = chart([[0.9, 0.8], [0.5, 0.5], [0.1, 0.2]])
    body = (0, 0, without.width, without.height - 60)
    assert with_gap.crop(body).tobytes() == without.crop(body).tobytes()
    assert to_png(with_gap) != to_png(without)


def test_a_variation_that_changes_nothing_stands_last_and_says_so():
    drawn = chart([[math.nan, math.nan], [0.9, 0.8], [0.1, 0.2]])
    assert not pixels(drawn, theme.BLUE)[168 + 2 * 54 : 168 + 3 * 54].any()
    assert chart([[math.nan] * 2] * 3, noise=(math.nan, math.nan)).width


def test_a_dot_stands_where_the_class_changes_and_nowhere_else():
    never = [torch.tensor([[-math.inf] * 3, [math.inf] * 3]), torch.tensor([[math.nan] * 3, [math.inf] * 3])]
    once = [torch.tensor([[-math.inf] * 3, [5.0, math.inf, math.inf]]), never[1]]
    assert not pixels(curves(class_changes=never), theme.ORANGE).any()
    places = np.argwhere(pixels(curves(class_changes=once), theme.ORANGE))
    assert 0 < len(places) < 60
    assert np.ptp(places, axis=0).max() < 10


def test_curves_share_their_scale_and_reach_the_line_between_classes():
    far, near = curves(between=4.0), curves(between=2.0)
    assert far.size == near.size
    assert to_png(far) != to_png(near)
    tops = [np.argwhere(pixels(drawn, theme.BLUE))[:, 0].min() for drawn in (far, near)]
    assert tops[0] > tops[1]


def test_the_same_numbers_give_the_same_bytes(images):
    for draw in (lambda: sheet(images), lambda: chart([[0.9], [0.5], [0.1]]), curves):
        assert to_png(draw()) == to_png(draw())


@pytest.mark.parametrize(
    ("draw", "argument"),
    [
        (lambda: sheet([torch.rand(3, 1, 8, 8)]), "amounts"),
        (lambda: sheet([torch.rand(2, 1, 8, 8)] * 2), "amounts"),
        (lambda: sheet([torch.rand(3, 1, 8, 8)] * 2, names=("one",)), "names"),
        (lambda: sheet([torch.rand(3, 1, 8, 8)] * 2, clipped=[torch.zeros(2)] * 2), "clipped"),
        (lambda: sheet([2 + torch.rand(3, 1, 8, 8)] * 2), "images"),
        (lambda: chart([[0.9], [0.5]]), "names"),
        (lambda: curves(units=("px",)), "units"),
        (lambda: curves(amounts=(torch.tensor([1.0, 0.0, 2.0]), AMOUNTS[1])), "amounts"),
        (lambda: curves(amounts=(), distances=(), names=(), units=()), "amounts"),
        (lambda: curves(class_changes=[torch.zeros(2, 1)] * 2), "class_changes"),
        (lambda: curves(distances=[torch.zeros(2, 3)] * 2), "distances"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(draw, argument):
    with pytest.raises(FiberscopeError, match=rf"^{argument}"):
        draw()
