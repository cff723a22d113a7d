"""Colours keep their promises: legible on the paper, and neither sign stronger than the other."""

from itertools import pairwise

import pytest
from PIL import ImageColor

from fiberscope.gallery import theme


def luminance(colour: str) -> float:
    channels = [channel / 255 for channel in ImageColor.getrgb(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lightness(colour: str) -> float:
    return 116 * luminance(colour) ** (1 / 3) - 16


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ink", [theme.INK, theme.MUTED, *theme.SERIES])
def test_every_ink_is_legible_on_the_paper(ink):
    assert contrast(ink, theme.PAPER) >= 4.5


def test_both_signs_are_equally_light_at_every_stop():
    for negative, positive in zip(theme.NEGATIVE_STOPS, theme.POSITIVE_STOPS, strict=True):
        assert lightness(negative) == pytest.approx(lightness(positive), abs=0.6)


def test_equal_steps_of_the_value_are_equal_steps_of_lightness():
    for stops in (theme.NEGATIVE_STOPS, theme.POSITIVE_STOPS):
        levels = [lightness(colour) for colour in (theme.ZERO, *stops)]
        steps = [before - after for before, after in pairwise(levels)]
        assert steps == pytest.approx([13.0] * 4, abs=1.0)


def test_the_page_has_the_colours_of_the_pictures():
    assert f"--page:{theme.PAPER};" in theme.css_variables()
    assert f"--accent:{theme.BLUE};" in theme.css_variables()


def test_text_on_the_page_is_legible_on_a_light_and_on_a_dark_screen():
    light, dark = theme.css_variables().split("@media")
    for scheme in (light, dark):
        declared = dict(pair.split(":") for pair in scheme[scheme.index("--") :].rstrip("}").split(";") if ":" in pair)
        for ink in ("ink", "muted", "accent", "strong"):
            for ground in ("page", "surface"):
                assert contrast(declared[f"--{ink}"], declared[f"--{ground}"]) >= 4.5, (ink, ground)
