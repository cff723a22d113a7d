"""The time that a task may take before its worker counts as one that hangs."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

_MULTIPLE, _LEAST = 20.0, 600.0  # of the slowest task so far; seconds
_FIRST = 6 * 3600.0  # seconds, before any task is done


@dataclass
class Patience:
    """Seconds for a task: so many as were chosen, 0 for ever; by default twenty times as long as the slowest so far.

    By default ten minutes at least, and six hours before the first task is done.
    """

    chosen: float | None = None
    slowest: float | None = None

    @property
    def seconds(self) -> float:
        """How long a task may take now."""
        if self.chosen is not None:
            return self.chosen or math.inf
        return _FIRST if self.slowest is None else max(_LEAST, _MULTIPLE * self.slowest)

    def learn(self, since: float) -> None:
        """Take note of a task that is done, begun at that time."""
        self.slowest = max(self.slowest or 0.0, time.monotonic() - since)

    def is_over(self, since: float) -> bool:
        """Tell whether a task begun at that time has had its time."""
        return time.monotonic() - since > self.seconds
