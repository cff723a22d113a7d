"""Metamers: from digits to the latents of digits of other classes, |r| <= 1e-5 |z|, every pixel in [0, 1].

Each peer is run at its documented defaults and at the best of many settings, chosen on some of the same pairs. Its
clock stands still while its images are judged, and its cost is counted at the moment to give up that suits it best.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from benchmarks.speed import plenoptic_search, torch_search
from benchmarks.speed.networks import Network, Pairs, pairs_of_digits
from benchmarks.speed.race import MOST_CAPS, TOLERANCE, Cost, Trace, cost, follow, relative_residual, residual_at
from benchmarks.speed.recipes import DEFAULT, Recipe, quick, slow
from benchmarks.speed.sizes import Size
from benchmarks.speed.timing import clock, spread
from torch import Tensor

import fiberscope as fs

_PATIENCE = (1, 10, 100)
_SEARCHES: dict[str, Callable[[Recipe, Network, Pairs], Iterator[Tensor]]] = {
    "plenoptic": plenoptic_search.search,
    "torch": torch_search.search,
}


class _Ours(NamedTuple):
    """fiberscope's seconds an image in a batch and alone, and the share that arrived, judged as the peers are."""

    batch: float
    alone: float
    share: float


class _Round(NamedTuple):
    """All finalists and fiberscope once, one after the other."""

    ours: _Ours
    traces: dict[Recipe, list[Trace]]


def measure(network: Network, size: Size) -> dict[str, object]:
    torch.manual_seed(0)
    tried = {recipe: _try(recipe, network, size) for recipe in _recipes(network, size)}
    finalists = [best for library in _SEARCHES if (best := _best(tried, library))]
    if plenoptic_search.is_here():
        finalists.insert(0, DEFAULT)
    pairs = pairs_of_digits(network, size.project_images)
    _project(network, pairs, size)
    rounds = [_round(network, finalists, pairs, size) for _ in range(size.metamer_repeats)]
    return {
        "fiberscope": {
            "images": size.project_images,
            "seconds an image of the batch": [each.ours.batch for each in rounds],
            "seconds an image one by one": [each.ours.alone for each in rounds],
            "share": min(each.ours.share for each in rounds),
        },
        "peers": {f"{recipe.library}: {recipe.name}": _figures(recipe, rounds) for recipe in finalists},
        "tried": [{"setting": _words(recipe), **_plain(found)} for recipe, found in tried.items()],
        "given up after": {
            "seconds an image": size.cap_seconds,
            "seconds a batch": MOST_CAPS * size.cap_seconds,
            "times as long": "setting's patience",
        },
    }


def _recipes(network: Network, size: Size) -> list[Recipe]:
    everything = quick() + (slow() if network.name == "ReLU, latent" else [])
    return [
        recipe
        for recipe in everything
        if (recipe.library == "torch" or plenoptic_search.is_here()) and recipe.batch <= size.metamer_images
    ]


def _try(recipe: Recipe, network: Network, size: Size) -> Cost:
    few = size.slow_trial_images if recipe in slow() else size.trial_images
    return cost(_run(recipe, network, pairs_of_digits(network, max(few, recipe.batch)), size))


def _run(recipe: Recipe, network: Network, pairs: Pairs, size: Size) -> list[Trace]:
    """The recipe on all pairs, as many at once as it takes."""
    search, cap_seconds = _SEARCHES[recipe.library], recipe.patience * size.cap_seconds
    parts = [Pairs(*part) for part in zip(*(each.split(recipe.batch) for each in pairs), strict=True)]
    return [follow(search(recipe, network, part), network, part, cap_seconds=cap_seconds) for part in parts]


def _best(tried: dict[Recipe, Cost], library: str) -> Recipe | None:
    candidates = {recipe: found for recipe, found in tried.items() if recipe.library == library}
    if not candidates:
        return None
    return min(candidates, key=lambda recipe: (candidates[recipe].seconds, -candidates[recipe].share))


def _round(network: Network, finalists: Sequence[Recipe], pairs: Pairs, size: Size) -> _Round:
    traces = {}
    for recipe in finalists:
        count = size.default_images if recipe == DEFAULT else size.metamer_images
        traces[recipe] = _run(recipe, network, Pairs(*(each[:count] for each in pairs)), size)
    return _Round(_project(network, pairs, size), traces)


def _project(network: Network, pairs: Pairs, size: Size) -> _Ours:
    fiber = fs.Fiber(network.latent_map, pairs.latents)
    started = time.perf_counter()
    points = fs.project(fiber, pairs.starts).points
    seconds = time.perf_counter() - started
    arrived = relative_residual(network, points, pairs.latents) <= TOLERANCE
    fibers = [fs.Fiber(network.latent_map, latent) for latent in pairs.latents[: size.default_images]]
    alone = [clock(lambda k=k, at=at: fs.project(at, pairs.starts[k : k + 1])) for k, at in enumerate(fibers)]
    return _Ours(seconds / len(points), spread(alone).median, float(arrived.double().mean()))


def _figures(recipe: Recipe, rounds: Sequence[_Round]) -> dict[str, object]:
    traces, ours = [each.traces[recipe] for each in rounds], [each.ours for each in rounds]
    costs = [cost(each) for each in traces]
    ended = [sum(trace.seconds[-1] for trace in each) / sum(trace.batch for trace in each) for each in traces]
    one = spread([each.alone for each in ours]).median
    by_batch = [found.seconds / our.batch for found, our in zip(costs, ours, strict=True)]
    by_one = [found.seconds / our.alone for found, our in zip(costs, ours, strict=True)]
    by_end = [end / our.batch for end, our in zip(ended, ours, strict=True)]
    return {
        "setting": _words(recipe),
        "images": sum(trace.batch for trace in traces[0]),
        "costs": [_plain(found) for found in costs],
        "seconds an image until its end": ended,
        "ratio to fiberscope's batch": _finite(spread(by_batch)._asdict()),
        "ratio to fiberscope one by one": _finite(spread(by_one)._asdict()),
        "ratio of ends to fiberscope's batch": spread(by_end)._asdict(),
        "residual after fiberscope's seconds for one image, times": {
            str(times): residual_at(traces[0], times * one) for times in _PATIENCE
        },
        "residual at its end": residual_at(traces[0], math.inf),
    }


def _words(recipe: Recipe) -> dict[str, object]:
    return {key: value for key, value in recipe._asdict().items() if value is not None}


def _plain(found: Cost) -> dict[str, float | None]:
    return _finite(found._asdict())


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in values.items()}
