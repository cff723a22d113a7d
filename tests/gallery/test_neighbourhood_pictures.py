"""Pictures of neighbourhoods: what is in them, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor

from fiberscope.gallery import theme, to_png
from fiberscope.gallery.approach_sheet import approach_sheet
from fiberscope.gallery.extremes_sheet import extremes_sheet
from fiberscope.gallery.neighbourhood_sheet import neighbourhood_sheet
from fiberscope.gallery.radius_chart import Curve, radius_chart
from fiberscope.gallery.tiles import image_tile
from fiberscope.problem.errors import FiberscopeError


@pytest.fixture
def points():
    return torch.rand(2, 3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def shows(picture: Image.Image, tile: Image.Image) -> bool:
    whole, part = np.array(picture), np.array(tile)
    height, width = part.shape[:2]
    rows, columns = np.nonzero((whole[: -height + 1, : -width + 1] == part[0, 0]).all(-1))
    return any(np.array_equal(whole[y : y + height, x : x + width], part) for y, x in zip(rows, columns, strict=True))


def count_colour(picture: Image.Image, colour: str) -> int:
    return int((np.array(picture) == ImageColor.getrgb(colour)).all(-1).sum())


def sheet(points, **changed):
    words = {
        "radii": ["ε = 5 %", "ε = 10 %"],
        "ways": ["strongest", "weakest", "turned"],
        "groups": [("seen", 2), ("named", 1)],
        "numbers": torch.ones(3, 2, 3),
        "boxed": torch.zeros(2, 3, dtype=torch.bool),
    }
    return neighbourhood_sheet(points[0, 0], points, **(words | changed))


def curves(*values: float) -> list[Curve]:
    rows = torch.tensor(values)[:, None] * torch.tensor([0.9, 1.0, 1.1])
    return [Curve("true", rows), Curve("linear", rows * 2, predicted=True)]


def test_every_boundary_image_stands_in_the_sheet(points):
    picture = sheet(points)
    assert all(shows(picture, image_tile(tile, scale=5)) for tile in points.flatten(0, 1))
    assert count_colour(picture, theme.ORANGE) > 0


def test_the_numbers_and_the_box_change_what_is_written(points):
    plain = to_png(sheet(points))
    assert to_png(sheet(points, boxed=torch.ones(2, 3, dtype=torch.bool))) != plain
    for i in range(3):
        numbers = torch.ones(3, 2, 3)
        numbers[i] = 2.5
        assert to_png(sheet(points, numbers=numbers)) != plain
    unbounded = torch.ones(3, 2, 3)
    unbounded[2] = 0  # a finite distance over an infinite one
    assert to_png(sheet(points, numbers=unbounded)) != plain


def test_an_approach_shows_source_points_and_goal(points):
    picture = approach_sheet(points[0], points, points[1], radii=["0", "5 %"], left=torch.rand(2, 3))
    assert all(shows(picture, image_tile(tile, scale=5)) for tile in points.flatten(0, 1))
    assert count_colour(picture, theme.BLUE) > 0


def ends(points):
    return points.view(1, 2, 3, 1, 28, 28)


def test_extremes_stand_beside_their_image(points):
    numbers = {"own": torch.rand(1, 3), "values": torch.rand(1, 2, 3)}
    picture = extremes_sheet(points[0], ends(points), properties=["ink"], **numbers)
    assert all(shows(picture, image_tile(tile, scale=5)) for tile in points.flatten(0, 1))
    with pytest.raises(FiberscopeError, match=r"^properties"):
        extremes_sheet(points[0], ends(points), properties=["ink", "more"], **numbers)


def test_a_curve_without_a_name_has_no_label():
    draw = {"up": "half-width", "title": "Growth"}
    named, plain = curves(0.1, 0.5), [curve._replace(name="") for curve in curves(0.1, 0.5)]
    assert to_png(radius_chart([0.1, 0.5], named, **draw)) != to_png(radius_chart([0.1, 0.5], plain, **draw))


def test_a_chart_draws_predictions_too_and_leaves_out_what_is_not_finite():
    both, alone = curves(0.1, 0.2, 0.5), curves(0.1, 0.2, 0.5)[:1]
    draw = {"up": "half-width", "title": "Growth"}
    assert to_png(radius_chart([0.05, 0.1, 0.5], both, **draw)) != to_png(radius_chart([0.05, 0.1, 0.5], alone, **draw))
    radius_chart([0.05, 0.1, 0.5], curves(0.1, float("nan"), float("inf")), **draw)
    radius_chart([0.05, 0.1, 0.5], curves(0.0, 0.5, 1.0), shares=True, **draw)


def test_the_same_numbers_give_the_same_bytes(points):
    draw = {"up": "half-width", "title": "Growth"}
    assert to_png(sheet(points)) == to_png(sheet(points))
    assert to_png(radius_chart([0.1], curves(1.0), **draw)) == to_png(radius_chart([0.1], curves(1.0), **draw))


@pytest.mark.parametrize(
    ("draw", "argument"),
    [
        (lambda x: sheet(x, radii=["one"]), "radii"),
        (lambda x: sheet(x, ways=["one"]), "ways"),
        (lambda x: sheet(x, groups=[("seen", 2)]), "groups"),
        (lambda x: sheet(2 * x), "image"),
        (lambda x: approach_sheet(x[0], x, x[1], radii=["one"], left=torch.rand(2, 3)), "radii"),
        (lambda x: approach_sheet(x[0], x, x[1] + 1, radii=["a", "b"], left=torch.rand(2, 3)), "goals"),
        (lambda x: radius_chart([0.1, 0.2], curves(1.0), up="", title=""), "curve 'true'"),
        (lambda x: radius_chart([0.2, 0.1], curves(1.0, 2.0), up="", title=""), "radii"),
        (lambda x: radius_chart([0.0, 0.1], curves(1.0, 2.0), up="", title=""), "radii"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(points, draw, argument):
    with pytest.raises(FiberscopeError, match=f"^{argument}"):
        draw(points)
