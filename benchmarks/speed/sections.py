"""What is measured, by name, and on which networks."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from benchmarks.speed.networks import NAMES, Network
from benchmarks.speed.sizes import Size


class Section(NamedTuple):
    """A module with a function `measure(network, size)`; the networks it runs on; whether it runs unasked."""

    module: str
    networks: tuple[str, ...] = NAMES
    usual: bool = True


_LATENT = tuple(name for name in NAMES if name.endswith("latent"))

SECTIONS = {
    "jacobians": Section("benchmarks.speed.jacobians"),
    "directions": Section("benchmarks.speed.directions"),
    "walks": Section("benchmarks.speed.walks"),
    "metamers": Section("benchmarks.speed.metamers"),
    "project": Section("benchmarks.speed.project", networks=_LATENT),
    "nearest": Section("benchmarks.speed.nearest", networks=_LATENT),
    "shares": Section("benchmarks.speed.shares", networks=_LATENT),
    "dataset": Section("benchmarks.speed.dataset", networks=NAMES[:1]),
    "large": Section("benchmarks.speed.large", networks=NAMES[:1], usual=False),
}


def networks_of(section: str, size: Size) -> tuple[str, ...]:
    return SECTIONS[section].networks[: size.networks]


def measure_of(section: str) -> Callable[[Network, Size], dict[str, object]]:
    return import_module(SECTIONS[section].module).measure
