"""Clocks: contestants in turns in one process, so that whatever the machine does meets all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch


class Contestant(NamedTuple):
    """Something to time; ``scale`` brings its seconds to the size of the others, ``most`` bounds the repeats.

    What runs once only is long enough for a cold start not to matter, and is not warmed up.
    """

    run: Callable[[], object]
    scale: float = 1.0
    most: int | None = None


class Spread(NamedTuple):
    """Median of repeats, and the least and greatest of them."""

    median: float
    low: float
    high: float


def side_by_side(contestants: Mapping[str, Contestant], *, repeats: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each repeat; all are warm; every other repeat goes backwards."""
    for contestant in contestants.values():
        if contestant.most != 1:
            contestant.run()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for repeat in range(repeats):
        for name in list(contestants)[:: -1 if repeat % 2 else 1]:
            contestant = contestants[name]
            if contestant.most is None or repeat < contestant.most:
                seconds[name].append(contestant.scale * clock(contestant.run))
    return seconds


def clock(run: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def spread(values: Sequence[float]) -> Spread:
    ordered = torch.tensor(sorted(values), dtype=torch.float64)
    return Spread(float(ordered.quantile(0.5)), float(ordered[0]), float(ordered[-1]))


def ratios(seconds: Mapping[str, Sequence[float]], *, under: str) -> dict[str, dict[str, float]]:
    """How many times the seconds of ``under`` each takes, repeat by repeat: above 1 it is slower."""
    return {
        name: spread([each / base for each, base in zip(values, seconds[under], strict=False)])._asdict()
        for name, values in seconds.items()
        if name != under
    }
