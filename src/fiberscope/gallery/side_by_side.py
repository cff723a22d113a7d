"""Pictures beside one another, as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from PIL import Image

from fiberscope.gallery import theme
from fiberscope.problem.errors import FiberscopeError


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Set pictures from left to right on one paper, level at their upper edge.

    Raises:
        FiberscopeError: there is no picture.

    """
    if not pictures:
        raise FiberscopeError("pictures is empty, wanted at least one")
    widths = [picture.width for picture in pictures]
    paper = Image.new("RGB", (sum(widths), max(picture.height for picture in pictures)), theme.PAPER)
    for picture, left in zip(pictures, accumulate(widths, initial=0), strict=False):
        paper.paste(picture, (left, 0))
    return paper
