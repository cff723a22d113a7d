"""What a page says: questions, the finding under each, and the pictures and tables that show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A PNG picture, one sentence that a student understands, and words for those who do not see it."""

    image: bytes
    caption: str
    alt: str


@dataclass(frozen=True)
class Table:
    """Rows under named columns; a column of numbers stands flush right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int, ...], ...]
    caption: str


@dataclass(frozen=True)
class Code:
    """Lines to be typed or copied, as they are."""

    text: str


@dataclass(frozen=True)
class Section:
    """A question, its finding in plain words with its number, and what shows it; a string is a paragraph."""

    question: str
    finding: str
    body: tuple[Figure | Table | Code | str, ...] = ()


@dataclass(frozen=True)
class Page:
    """A whole report; facts and provenance are pairs of a name and a value, methods are paragraphs."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    methods: tuple[str, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
