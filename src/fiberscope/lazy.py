"""A property that is computed when it is first asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_Value = TypeVar("_Value")


class lazy(Generic[_Value]):  # noqa: N801  (reads as a decorator)
    """`functools.cached_property` without its lock.

    Up to Python 3.11 that one is held for all objects of a class, so that two threads, each with a batch of its own,
    would take turns at their Jacobians.
    """

    def __init__(self, compute: Callable[[Any], _Value]):
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, thing: None, owner: type) -> lazy[_Value]: ...
    @overload
    def __get__(self, thing: object, owner: type) -> _Value: ...

    def __get__(self, thing: object | None, owner: type) -> _Value | lazy[_Value]:
        """The value; later accesses find it in the object itself and do not come here."""
        if thing is None:
            return self
        value = self._compute(thing)
        thing.__dict__[self._name] = value
        return value
