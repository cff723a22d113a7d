"""The sheet of free parts: what is in it, and what it refuses."""

from __future__ import annotations

from inspect import unwrap

import numpy as np
import pytest
import torch
from PIL import ImageColor

from fiberscope.gallery import theme, to_png
from fiberscope.gallery.free_sheet import free_sheet
from fiberscope.gallery.tiles import image_tile
from fiberscope.problem.errors import FiberscopeError

RANDOM = torch.rand(3, 2, 2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
WORDS = {"names": ["turn", "shift"], "amounts": ["+2°", "+1 px"], "headings": ["one", "two"]}


def sheet(images=RANDOM[0, 0], varied=RANDOM[1], points=RANDOM[2], left=torch.full((2, 2), 0.25), **words):  # noqa: B008
    return unwrap(free_sheet)(images, varied, points, left=left, **(WORDS | words))


def test_every_image_stands_in_the_sheet_unchanged():
    drawn = np.array(sheet())[..., 0]
    for image in (*RANDOM[0, 0], *RANDOM[1].flatten(0, 1), *RANDOM[2].flatten(0, 1)):
        tile = np.array(image_tile(image.double(), scale=5))[..., 0]
        windows = np.lib.stride_tricks.sliding_window_view(drawn, tile.shape)
        corners = np.argwhere(windows[:, :, 0, 0] == tile[0, 0])
        assert any((windows[top, left] == tile).all() for top, left in corners)


def test_what_gave_way_is_drawn_to_one_scale():
    # The largest difference has the strongest colour; half of it, elsewhere on the sheet, has not.
    own, varied = torch.zeros(2, 1, 28, 28), torch.full((2, 2, 1, 28, 28), 0.5)
    points = varied.clone()
    points[0, 0], points[1, 1] = 0.1, 0.3
    picture = np.array(sheet(own, varied, points))
    strongest = (picture == np.array(ImageColor.getrgb(theme.POSITIVE_STOPS[-1]))).all(-1).sum()
    assert 140 * 140 <= strongest < 1.2 * 140 * 140


def test_a_share_that_is_unknown_is_a_dash_and_explained():
    left = torch.tensor([[0.25, torch.nan], [0.25, 0.25]])
    assert to_png(sheet(left=left)) != to_png(sheet())
    assert sheet(left=left).height >= sheet().height


def test_equal_images_leave_fields_of_zero():
    assert sheet(varied=RANDOM[1], points=RANDOM[1]).width == sheet().width


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [
        ({"names": ["turn"]}, "varied"),
        ({"amounts": ["+2°"]}, "amounts"),
        ({"headings": ["one"]}, "headings"),
        ({"points": RANDOM[2, :1]}, "points"),
        ({"points": RANDOM[2, :, :1]}, "points"),
        ({"varied": RANDOM[1, :, :1]}, "varied"),
        ({"left": torch.zeros(1, 2)}, "left"),
    ],
)
def test_words_and_images_belong_together(wrong, argument):
    with pytest.raises(FiberscopeError, match=f"^{argument} has"):
        sheet(**wrong)
