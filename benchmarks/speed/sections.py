"""What is measured, by name, and on which networks."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from benchmarks.speed.networks import NAMES, Network
from benchmarks.speed.sizes import Size


class Section(NamedTuple):
    """A module with a function `measure(network, size)`; whether it runs on all networks; whether it is asked for."""

    module: str
    on_all: bool
    usual: bool = True


SECTIONS = {
    "jacobians": Section("benchmarks.speed.jacobians", on_all=True),
    "directions": Section("benchmarks.speed.directions", on_all=True),
    "walks": Section("benchmarks.speed.walks", on_all=True),
    "metamers": Section("benchmarks.speed.metamers", on_all=True),
    "project": Section("benchmarks.speed.project", on_all=True),
    "nearest": Section("benchmarks.speed.nearest", on_all=True),
    "dataset": Section("benchmarks.speed.dataset", on_all=False),
    "large": Section("benchmarks.speed.large", on_all=False, usual=False),
}


def networks_of(section: str, size: Size) -> tuple[str, ...]:
    return NAMES[: size.networks] if SECTIONS[section].on_all else NAMES[:1]


def measure_of(section: str) -> Callable[[Network, Size], dict[str, object]]:
    return import_module(SECTIONS[section].module).measure
