"""The colour bar that says how much a colour is worth."""

from __future__ import annotations

import torch
from PIL import Image, ImageDraw

from fiberscope.gallery import theme
from fiberscope.gallery.tiles import signed_tile

_WIDTH = 150
_HEIGHT = 8


def colour_bar(low: str, high: str) -> Image.Image:
    """Draw the diverging colours from minus to plus the limit, and say what the two ends stand for."""
    width, height = _WIDTH * theme.DENSITY, _HEIGHT * theme.DENSITY
    label = round(1.7 * theme.SMALL_SIZE * theme.DENSITY)
    picture = Image.new("RGB", (width, height + label), theme.PAPER)
    ramp = torch.linspace(-1, 1, width, dtype=torch.float64).expand(1, height, width)
    picture.paste(signed_tile(ramp, limit=1.0, scale=1), (0, 0))
    pen, face = ImageDraw.Draw(picture), theme.font(theme.SMALL_SIZE)
    pen.rectangle((0, 0, width - 1, height - 1), outline=theme.RULE, width=1)
    baseline = height + round(0.8 * label)
    for place, words, anchor in ((0, low, "ls"), (width / 2, "0", "ms"), (width, high, "rs")):
        pen.text((place, baseline), words, font=face, fill=theme.MUTED, anchor=anchor)
    return picture
