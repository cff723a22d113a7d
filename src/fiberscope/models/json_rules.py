"""Rules that values of a JSON file have to keep: each gives the value back as it may be passed on, or refuses it.

A record keeps the entries that its rules name and leaves all others behind, so that nothing reaches a reader of the
result that no rule has seen.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Rule: TypeAlias = Callable[[Any], Any]

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100


class Refused(ValueError):
    """A value that no rule allows; the message says which, and what is allowed."""


def shown(found: object) -> str:
    """A value as it may stand in a message: short, without control characters."""
    return _SHORT.repr(found)


def whole(low: int, high: int) -> Rule:
    """Whole numbers from `low` to `high`."""

    def rule(found: Any) -> int:
        if type(found) is not int or not low <= found <= high:
            raise Refused(f"{shown(found)} is no whole number from {low} to {high}")
        return found

    return rule


def real(found: Any) -> float:
    """A number, infinity and NaN among them, which torch writes as words."""
    if found in ("Infinity", "-Infinity", "NaN"):
        return float(found)
    if type(found) not in (int, float) or (type(found) is int and abs(found) >= 2**63):
        raise Refused(f"{shown(found)} is no number")
    return float(found)


def flag(found: Any) -> bool:
    """True or false."""
    if type(found) is not bool:
        raise Refused(f"{shown(found)} is neither true nor false")
    return found


def finite(found: Any) -> float:
    """A number that is neither infinite nor NaN; whole ones stay whole."""
    if type(found) not in (int, float) or not abs(found) < 2**63:
        raise Refused(f"{shown(found)} is no finite number")
    number: float = found
    return number


def words(found: Any) -> str:
    """A text of at most a thousand characters that can stand in a message or on a terminal."""
    if not isinstance(found, str) or len(found) > 1000 or not found.isprintable():
        raise Refused(f"{shown(found)} is no plain text")
    return found


def always(value: Any) -> Rule:
    """The given value, whatever was found."""
    return lambda found: value


def optional(rule: Rule) -> Rule:
    """Null, or what the rule allows."""
    return lambda found: None if found is None else rule(found)


def many(rule: Rule) -> Rule:
    """Lists of what the rule allows."""

    def each(found: Any) -> list[Any]:
        if not isinstance(found, list):
            raise Refused(f"{shown(found)} is no list")
        return [rule(value) for value in found]

    return each


def table(key: Rule, value: Rule) -> Rule:
    """Objects with names and values of one kind."""

    def each(found: Any) -> dict[str, Any]:
        return {key(name): _at(name, value, entry) for name, entry in _object(found).items()}

    return each


def record(needed: Mapping[str, Rule], allowed: Mapping[str, Rule] | None = None) -> Rule:
    """Objects with the entries of `needed`, and where they are there those of `allowed`."""

    def rule(found: Any) -> dict[str, Any]:
        entries = _object(found)
        missing = [name for name in needed if name not in entries]
        if missing:
            raise Refused(f"{shown(found)} lacks {', '.join(missing)}")
        rules = {**needed, **(allowed or {})}
        return {name: _at(name, each, entries[name]) for name, each in rules.items() if name in entries}

    return rule


def one_of(kinds: Mapping[str, Rule]) -> Rule:
    """Objects with exactly one entry, which is of one of these kinds."""

    def rule(found: Any) -> dict[str, Any]:
        entries = _object(found)
        if len(entries) != 1 or next(iter(entries)) not in kinds:
            raise Refused(f"{shown(found)} is none of {', '.join(kinds)}")
        ((name, value),) = entries.items()
        return {name: _at(name, kinds[name], value)}

    return rule


def _object(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Refused(f"{shown(found)} is no object of names and values")
    return found


def _at(name: str, rule: Rule, value: Any) -> Any:
    try:
        return rule(value)
    except Refused as refusal:
        raise Refused(f"{shown(name)[1:-1]}: {refusal}") from refusal
