"""Comparisons picked out of the results: one row for each thing that fiberscope stands beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from benchmarks.speed import directions, jacobians, walks
from benchmarks.speed.timing import Spread

SHIPPED = "ReLU, latent"


class Beside(NamedTuple):
    """Seconds of both, their ratio by repeats (None where the other never gets there), and what else there is to say.

    ``at_least`` is set where it never gets there: how many times fiberscope's seconds it had spent when it ended.
    """

    ours: float
    theirs: float
    ratio: Spread | None
    at_least: float | None = None
    remark: str = ""
    aside: str = ""  # in a word or two, beside the ratio in the chart


class Row(NamedTuple):
    """A comparison and the way to it from the figures of its section."""

    group: str
    words: str
    section: str
    pick: Callable[[Mapping], Beside | None]


class Runs:
    """Figures by section, network and number of threads."""

    def __init__(self, results: Mapping) -> None:
        self._runs = {(run["section"], run["network"], run["threads"]): run for run in results["runs"]}

    def figures(self, section: str, network: str, threads: int) -> Mapping | None:
        run = self._runs.get((section, network, threads))
        return run["figures"] if run else None

    def threads(self) -> list[int]:
        return sorted({threads for _, _, threads in self._runs})

    def networks(self) -> list[str]:
        return list(dict.fromkeys(network for _, network, _ in self._runs))

    def all(self) -> list[Mapping]:
        return list(self._runs.values())


def rows() -> list[Row]:
    jacobian, metamer = "Jacobians of 512 digits", "A metamer, 256 at once"
    direction, walk = "Most and least visible directions", "A walk of length 5"
    return [
        Row(metamer, "plenoptic Metamer, its defaults", "metamers", lambda f: _metamer(f, "plenoptic", default=True)),
        Row(metamer, "plenoptic Metamer, best setting", "metamers", lambda f: _metamer(f, "plenoptic")),
        Row(metamer, "torch L-BFGS, best setting", "metamers", lambda f: _metamer(f, "torch")),
        Row(
            direction, "plenoptic Eigendistortion, power", "directions", lambda f: _direction(f, "power, its defaults")
        ),
        Row(direction, "plenoptic Eigendistortion, exact", "directions", lambda f: _direction(f, "exact")),
        Row(
            direction,
            "plenoptic Eigendistortion, randomized",
            "directions",
            lambda f: _direction(f, "randomized_svd, all m"),
        ),
        Row(walk, "null-space walk as in SiMEC", "walks", lambda f: _walk(f, walks.PUBLISHED)),
        Row(walk, "null-space walk, projected", "walks", lambda f: _walk(f, walks.PROJECTED)),
        Row(jacobian, "torch.func vmap(jacfwd)", "jacobians", lambda f: _jacobian(f, "vmap(jacfwd)")),
        Row(jacobian, "torch.func vmap(jacrev)", "jacobians", lambda f: _jacobian(f, "vmap(jacrev)")),
        Row(
            jacobian,
            "torch.func vmap(jacrev), best chunk",
            "jacobians",
            lambda f: _jacobian(f, "vmap(jacrev), best chunk"),
        ),
        Row(jacobian, "autograd.functional.jacobian", "jacobians", _autograd),
        Row(jacobian, "limit: m bare products", "jacobians", lambda f: _jacobian(f, jacobians.BARE)),
        Row(jacobian, "floor: m + 1 forward passes", "jacobians", lambda f: _jacobian(f, jacobians.FLOOR)),
    ]


def finalist(figures: Mapping, library: str, *, default: bool = False) -> Mapping | None:
    """A peer of the metamer section: at its defaults, or at its best setting."""
    for name, peer in figures["peers"].items():
        if name.startswith(f"{library}: ") and ("its defaults" in name) == default:
            return peer
    return None


def _metamer(figures: Mapping, library: str, *, default: bool = False) -> Beside | None:
    peer = finalist(figures, library, default=default)
    if peer is None:
        return None
    ours = _median(figures["fiberscope"]["seconds an image of the batch"])
    ratio, share = peer["ratio to fiberscope's batch"], peer["costs"][0]["share"]
    if ratio["median"] is None:
        ended, least = (
            _median(peer["seconds an image until its end"]),
            peer["ratio of ends to fiberscope's batch"]["median"],
        )
        return Beside(
            ours,
            ended,
            None,
            least,
            f"{share:.0%} arrive; residual then {peer['residual at its end']:.1g} of the target’s size",
        )
    theirs = _median([each["seconds"] for each in peer["costs"]])
    alike = peer["residual after fiberscope's seconds for one image, times"]["1"]
    remark = f"{share:.0%} arrive; in fiberscope’s time for one image to {alike:.1g} of the target’s size"
    return Beside(ours, theirs, Spread(**ratio), None, remark)


def _direction(figures: Mapping, name: str) -> Beside | None:
    if name not in figures["seconds"]:
        return None
    found = figures["agreement"][name]
    error = f"singular values off by {found['greatest error, relative to the largest']:.0e}"
    return _beside(figures["seconds"], figures["ratios"], directions.OURS, name, error)


def _walk(figures: Mapping, name: str) -> Beside | None:
    if name not in figures["seconds a walk"]:
        return None
    theirs, ours = (figures["figures"][each]["drift |r| / |z|, median"] for each in (name, walks.OURS))
    remark = f"drift {theirs:.0%} of the target’s size, fiberscope’s {ours:.0e}"
    found = _beside(figures["seconds a walk"], figures["ratios"], walks.OURS, name, remark)
    return found._replace(aside=f"drifts {theirs:.0%}")


def _jacobian(figures: Mapping, name: str) -> Beside | None:
    return _beside(figures["seconds"], figures["ratios"], jacobians.OURS, name, "")


def _autograd(figures: Mapping) -> Beside | None:
    names = [name for name in figures["seconds"] if name.startswith("autograd.functional")]
    return _jacobian(figures, min(names, key=lambda name: _median(figures["seconds"][name])))


def _beside(seconds: Mapping, ratios: Mapping, ours: str, name: str, remark: str) -> Beside:
    return Beside(_median(seconds[ours]), _median(seconds[name]), Spread(**ratios[name]), None, remark)


def _median(values: list[float | None]) -> float:
    known = sorted(value for value in values if value is not None)
    return known[len(known) // 2]
