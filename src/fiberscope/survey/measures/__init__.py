"""The measures that ship, one a file, and the door for a user's own."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from fiberscope.models.user_model import load_object
from fiberscope.problem import FiberscopeError
from fiberscope.survey.measure import Measure
from fiberscope.survey.measures.collisions import collisions
from fiberscope.survey.measures.nearest import nearest
from fiberscope.survey.measures.ranges import ranges
from fiberscope.survey.measures.recognition import recognition
from fiberscope.survey.measures.spectrum import spectrum
from fiberscope.survey.measures.variations import variations

_KNOWN = {
    measure.name: measure for measure in (recognition(), spectrum(), variations(), ranges(), nearest(), collisions())
}
_SHIPPED = frozenset(_KNOWN)


def register(measure: Measure) -> Measure:
    """Make a measure of your own known by its name, to surveys of this process.

    Processes of a pool know it as file.py:factory alone. Raises FiberscopeError for a name that is taken by one that
    ships.
    """
    if measure.name in _SHIPPED:
        raise FiberscopeError(f"measure: {measure.name} ships already. Give yours another name.")
    _KNOWN[measure.name] = measure
    return measure


def open_measures(names: Sequence[str]) -> tuple[Measure, ...]:
    """The measures of these names, each one that ships, one registered, or file.py:factory.

    Raises FiberscopeError for a name that is none, or is given twice.
    """
    if not names or len(set(names)) < len(names):
        raise FiberscopeError(
            f"measures: found {', '.join(names) or 'none'}. Name at least one of {', '.join(_KNOWN)}, each once."
        )
    found = tuple(_open(name) for name in names)
    if len({measure.name for measure in found}) < len(found):
        raise FiberscopeError(f"measures: two of {', '.join(names)} have one name. Rename one.")
    return found


def is_portable(name: str) -> bool:
    """Whether another process can open the measure by its name."""
    return name in _SHIPPED or ".py:" in name


def _open(name: str) -> Measure:
    if ".py:" in name:
        measure = load_object(name)
        if not isinstance(measure, Measure):
            raise FiberscopeError(
                f"measures: {name} returned {type(measure).__name__}, wanted fiberscope.survey.Measure. Return one."
            )
        return measure
    if name not in _KNOWN:
        close = difflib.get_close_matches(name, _KNOWN)
        hint = f"did you mean {close[0]}?" if close else f"choose from {', '.join(_KNOWN)}."
        raise FiberscopeError(f"measures: {name!r} is none: {hint} Your own is file.py:factory.")
    return _KNOWN[name]
