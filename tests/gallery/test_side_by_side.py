from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageColor

from fiberscope.gallery import theme
from fiberscope.gallery.side_by_side import side_by_side
from fiberscope.problem.errors import FiberscopeError


def test_each_picture_stands_whole_on_the_paper_level_at_the_top():
    first, second = Image.new("RGB", (30, 20), "red"), Image.new("RGB", (10, 50), "blue")
    drawn = np.array(side_by_side([first, second]))
    assert drawn.shape == (50, 40, 3)
    assert (drawn[:20, :30] == (255, 0, 0)).all()
    assert (drawn[:, 30:] == (0, 0, 255)).all()
    assert (drawn[20:, :30] == ImageColor.getrgb(theme.PAPER)).all()


def test_there_has_to_be_a_picture():
    with pytest.raises(FiberscopeError, match=r"^pictures is empty"):
        side_by_side([])
