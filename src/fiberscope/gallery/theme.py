"""The one visual language of every picture and of the page around them: colours, type, density."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
from PIL import ImageFont

# Device pixels per design pixel: every size below is in design pixels, so text stays crisp on dense screens.
DENSITY = 2

PAPER = "#fbfaf7"
INK = "#1b2026"
MUTED = "#59616a"
RULE = "#d8d4cb"
TRACK = "#ece9e1"

# Blue and orange stay apart for every common colour deficiency, and both reach 4.5:1 against the paper.
BLUE = "#1f5f9e"
ORANGE = "#b4530a"
SERIES = (BLUE, ORANGE, "#1b7a5a", "#7a4a9e", "#8a6d00", "#14758d", "#b03a6b", "#7b4b2a")

# Stops at equal steps from zero; both sides have the lightness CIE L* 97, 84, 71, 58, 45, so neither sign
# looks stronger than the other, not even in print without colour.
ZERO = "#f7f7f5"
NEGATIVE_STOPS = ("#b5d5f8", "#7cb2ee", "#448fdd", "#236cb5")
POSITIVE_STOPS = ("#f3c9ae", "#e49e6e", "#ce742c", "#a75400")

TITLE_SIZE = 15.0
HEADING_SIZE = 12.0
TEXT_SIZE = 11.0
SMALL_SIZE = 10.0

MATPLOTLIB_RC = {
    "font.family": "DejaVu Sans",
    "font.size": TEXT_SIZE,
    "text.color": INK,
    "figure.facecolor": PAPER,
    "figure.dpi": 72 * DENSITY,
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": TEXT_SIZE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": TRACK,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.labelsize": SMALL_SIZE,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}

_LIGHT_PAGE = {
    "page": PAPER,
    "surface": "#f5f3ee",
    "ink": INK,
    "muted": MUTED,
    "rule": RULE,
    "accent": BLUE,
    "strong": ORANGE,
    "picture": PAPER,
}
_DARK_PAGE = {
    "page": "#14171b",
    "surface": "#1f242a",
    "ink": "#e8e6e1",
    "muted": "#a9b1ba",
    "rule": "#363d46",
    "accent": "#7fb2e8",
    "strong": "#f0a060",
    # Pictures keep their paper in the dark: their inks were chosen against it.
    "picture": PAPER,
}


@cache
def font(size: float, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Load the typeface that matplotlib ships, at a size in design pixels."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", name)
    # The basic layout is compiled in everywhere; the other one is not, and bytes would depend on the machine.
    return ImageFont.truetype(path, round(size * DENSITY), layout_engine=ImageFont.Layout.BASIC)


def css_variables() -> str:
    """Write the page's colours as CSS custom properties, for a light and for a dark screen."""
    light, dark = f":root{{{_declarations(_LIGHT_PAGE)}}}", f":root{{{_declarations(_DARK_PAGE)}}}"
    return f"{light}\n@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _declarations(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())
