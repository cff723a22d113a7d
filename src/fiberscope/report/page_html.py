"""A page as one HTML file that loads nothing: style and pictures stand inside it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from functools import cache
from itertools import chain, count
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fiberscope.gallery import theme
from fiberscope.report.page import Code, Figure, Page, Table
from fiberscope.report.page_elements import Picture, Sheet, Snippet, picture, sheet
from fiberscope.whole_file import write_whole

_MOST_COLUMNS = 7  # of facts side by side


def render(page: Page) -> str:
    """Write the page as HTML that a browser shows without any other file and without a network.

    Raises:
        FiberscopeError: a figure is no PNG picture or has no words for those who do not see it, or a table's
            rows do not fit its columns.

    """
    pictures, sheets = count(1), count(1)

    def element(part: Figure | Table | Code | str) -> Picture | Sheet | Snippet | str:
        if isinstance(part, Figure):
            return picture(part, next(pictures))
        if isinstance(part, Code):
            return Snippet(part.text)
        return sheet(part, next(sheets)) if isinstance(part, Table) else part

    sections = [
        {"anchor": anchor, "section": section, "body": [element(part) for part in section.body]}
        for anchor, section in zip(anchors([s.question for s in page.sections]), page.sections, strict=True)
    ]
    facts = [(name, *_number_and_range(value)) for name, value in page.facts]
    columns = math.ceil(len(facts) / max(1, math.ceil(len(facts) / _MOST_COLUMNS)))  # so that no row has a single one
    return _template().render(page=page, facts=facts, columns=columns, sections=sections, colours=theme.css_variables())


def write(page: Page, path: str | os.PathLike[str]) -> Path:
    """Write the page to a file, whole or not at all.

    Raises:
        FiberscopeError: the page cannot be rendered.

    """
    return write_whole(render(page).encode("utf-8", "backslashreplace"), path)


def anchors(questions: Sequence[str]) -> list[str]:
    """Name each question by its own words, so that a link says where it leads; no name occurs twice."""
    taken = {"contents", "main", "methods", "provenance"}
    names: list[str] = []
    for question in questions:
        words = "-".join(re.findall(r"\w+", question.lower())) or "question"
        candidates = chain([words], (f"{words}-{i}" for i in count(2)))
        names.append(next(name for name in candidates if name not in taken))
        taken.add(names[-1])
    return names


def _number_and_range(value: str) -> tuple[str, str]:
    """A headline without the bracket at its end, and what stood in it: an interval is read after its number."""
    found = re.fullmatch(r"(.*\S) \((.+)\)", value)
    return (found[1], found[2]) if found else (value, "")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("fiberscope.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
