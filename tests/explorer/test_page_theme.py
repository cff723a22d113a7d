"""The page's colours of values are those of the report, though each is written in its own language."""

from __future__ import annotations

import re
from importlib.resources import files

from fiberscope.gallery import theme

_SCRIPT = (files("fiberscope.explorer") / "page" / "colours.js").read_text()


def _colours(name: str) -> tuple[str, ...]:
    (written,) = re.findall(rf"^const {name} = (.+);$", _SCRIPT, re.MULTILINE)
    return tuple(re.findall(r'"(#[0-9a-f]{6})"', written))


def test_the_page_draws_signed_values_in_the_colours_of_the_report():
    assert _colours("ZERO") == (theme.ZERO,)
    assert _colours("NEGATIVE_STOPS") == theme.NEGATIVE_STOPS
    assert _colours("POSITIVE_STOPS") == theme.POSITIVE_STOPS
