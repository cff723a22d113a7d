"""How choices become options."""

from __future__ import annotations

from typing import Annotated, TypeVar

from cyclopts import Parameter

_Choice = TypeVar("_Choice")


def _show(default: object) -> str | None:
    """A default as one would type it; nothing for an option that is off or not given."""
    if isinstance(default, tuple):
        return " ".join(map(str, default))
    return None if default is None or default is False else str(default)


# Fields become options of the command itself: --out, not --run.out. A list goes on to the next option.
Flat = Annotated[_Choice, Parameter(name="*", consume_multiple=True, show_default=_show)]
