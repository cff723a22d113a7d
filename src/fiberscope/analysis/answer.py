"""What a question gives back: sections of the page, and what lies beside the page in the folder."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Shaped
from torch import Tensor

from fiberscope.analysis.records import Records
from fiberscope.report import Figure, Section


@dataclass(frozen=True, eq=False)
class Answer:
    """Sections, the few numbers that head the page, the figures by file name, arrays and tables by name, and methods.

    ``methods`` are paragraphs for the end of the page: what an expert asks about how this was found. ``failure`` says
    why the question could not be answered, where it could not.
    """

    sections: tuple[Section, ...]
    facts: tuple[tuple[str, str], ...] = ()
    figures: dict[str, Figure] = field(default_factory=dict)
    arrays: dict[str, Shaped[Tensor, "..."]] = field(default_factory=dict)
    records: dict[str, Records] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    failure: str = ""


def grouped(number: float | int, *, digits: int | None = None) -> str:
    """A count in running text, in groups of three as tables write it; ``digits`` rounds it to so many figures."""
    rounded = number if digits is None else float(f"{number:.{digits - 1}e}")
    return f"{rounded:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
