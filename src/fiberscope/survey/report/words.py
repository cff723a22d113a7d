"""How numbers of a survey stand in sentences and tables."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import grouped
from fiberscope.gallery import percent, short_number
from fiberscope.survey.report.view import View


def three(quartiles: Float[Tensor, " 3"], *, shares: bool = False) -> str:
    """A median with its quartiles; one number where they are the same."""
    words = percent if shares else short_number
    low, middle, high = quartiles.tolist()
    if math.isnan(middle):
        return "–"
    return words(middle) if words(low) == words(high) else f"{words(middle)} ({words(low)} to {words(high)})"


def from_to(low: str, high: str) -> str:
    """Both ends in words; one where they are the same."""
    return low if low == high else f"{low} to {high}"


def share_of(part: int, whole: int) -> str:
    """So many of so many, and in percent."""
    return f"{grouped(part)} of {grouped(whole)} ({percent(part / whole)})" if whole else "none"


def known_at(view: View, name: str) -> str:
    """A sentence where a column is not known at every image."""
    known = view.known(name)
    return "" if known == view.count else f" It is known at {grouped(known)} of {grouped(view.count)} {view.noun}s."
