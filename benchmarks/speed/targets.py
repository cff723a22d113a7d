"""What was aimed at, what was measured, and whether that is met; judged on the shipped classifier's latent map."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

from benchmarks.speed import dataset, jacobians, large, walks
from benchmarks.speed.rows import SHIPPED, Runs, finalist


class Verdict(NamedTuple):
    measured: str
    met: bool


class Target(NamedTuple):
    """Words of what is wanted, a judgement of the figures of a section, and why it is missed where it is."""

    wanted: str
    section: str
    judge: Callable[[Mapping], Verdict | None]
    why: str = ""


def verdict(target: Target, runs: Runs, threads: int) -> Verdict | None:
    """None where it was not measured."""
    figures = runs.figures(target.section, SHIPPED, threads)
    return target.judge(figures) if figures else None


def targets() -> list[Target]:
    return [
        Target("Jacobians of 512 digits: at most 1.10 × m bare vector-Jacobian products", "jacobians", _bare),
        Target("the same: at least 1.3 × faster than vmap(jacrev)", "jacobians", _jacrev, _BOUND_BY_PRODUCTS),
        Target(
            "project 256: at least 40 × faster an image than plenoptic at its best setting", "metamers", _best, _FORTY
        ),
        Target("project 256: at least 1000 × faster than its defaults, or they never get there", "metamers", _default),
        Target("project one image: at most 25 ms (median)", "project", _latency, _CALLS),
        Target("walk, 16 directions × 20 steps: at most 1 s", "walks", _walk, _SECOND_THREAD),
        Target(
            "nearest, 64 pairs, until their slope is 0.1 (median): at most 3 s", "nearest", _nearest, _SECOND_THREAD
        ),
        Target("the same: stationarity of one linear piece 0.1 (median)", "nearest", _stationarity, _KINKS),
        Target("the same: mean blindness within 1 % of that after ten times the steps", "nearest", _blindness, _CRAWL),
        Target("whole test set: at most 3 × its bare Jacobians", "dataset", _dataset),
        Target("whole test set: peak memory the same for 1,000 and 10,000 images, to 5 %", "dataset", _memory),
        Target("project: time an image falls or stays (to 5 %) as the batch grows", "project", _scaling),
        Target("3 × 224 × 224: project to 10⁻⁴ |z|", "large", _large_project),
        Target("3 × 224 × 224: walk within 10⁻⁴ |z|, all of its length", "large", _large_walk),
        Target("3 × 224 × 224: at most 2 × the memory of a pass, and what is documented", "large", _large_memory),
    ]


_BOUND_BY_PRODUCTS = (
    "Both are bound by the same m backward passes; in small chunks, which it does not choose by itself, "
    "the two are alike."
)
_FORTY = (
    "The limit is the Jacobian: an image takes five to seven, and a fortieth of plenoptic’s time is about one. Four "
    "fifths of a Jacobian are convolutions of torch’s own. So a few times faster is what there is to gain."
)
_CALLS = (
    "One image is bound by the number of torch operations, each a few microseconds whatever its size: its Jacobians "
    "and forward passes alone would take about 12 ms at one thread."
)
_SECOND_THREAD = (
    "A second thread that sleeps between operations costs more to wake than it brings, at passes so small; compare "
    "with one thread."
)
_KINKS = (
    "Minima on a ReLU network lie on kinks, where no one linear piece is stationary; the slope, which asks the network "
    "itself, is. On the GELU network it is, in one piece too."
)
_CRAWL = "Descent crawls along kinks: the last per cent costs several times what the rest did."


def _bare(figures: Mapping) -> Verdict:
    found = figures["ratios"][jacobians.BARE]
    times, low, high = 1 / found["median"], 1 / found["high"], 1 / found["low"]
    return Verdict(f"{times:.2f} × ({low:.2f} to {high:.2f})", times <= 1.10)


def _jacrev(figures: Mapping) -> Verdict:
    found, chunked = (figures["ratios"][name] for name in ("vmap(jacrev)", "vmap(jacrev), best chunk"))
    words = f"{found['median']:.2f} × ({found['low']:.2f} to {found['high']:.2f})"
    words += f"; at its best chunk {chunked['median']:.2f} ×"
    return Verdict(words, found["median"] >= 1.3)


def _best(figures: Mapping) -> Verdict | None:
    peer = finalist(figures, "plenoptic")
    if peer is None:
        return None
    found = peer["ratio to fiberscope's batch"]
    if found["median"] is None:
        return Verdict("fewer than half arrive", True)
    words = f"{found['median']:.1f} × ({found['low']:.1f} to {found['high']:.1f}); {peer['setting']['name']}"
    return Verdict(words, found["median"] >= 40)


def _default(figures: Mapping) -> Verdict | None:
    peer = finalist(figures, "plenoptic", default=True)
    if peer is None:
        return None
    found, share = peer["ratio to fiberscope's batch"]["median"], peer["costs"][0]["share"]
    if found is None:
        return Verdict(
            f"{share:.0%} get there; residual then {peer['residual at its end']:.2g} of the target’s size", share == 0
        )
    return Verdict(f"{found:.0f} ×", found >= 1000)


def _latency(figures: Mapping) -> Verdict:
    found = figures["one image, seconds"]
    most = 1e3 * found["95th percentile"]
    words = f"{1e3 * found['median']:.1f} ms; 95 % of {found['images']} images within {most:.1f} ms"
    return Verdict(words, found["median"] <= 0.025)


def _walk(figures: Mapping) -> Verdict:
    each = sorted(figures["seconds a walk"][walks.OURS])
    seconds = figures["walks"] * each[len(each) // 2]
    return Verdict(f"{seconds:.2f} s", seconds <= 1)


def _nearest(figures: Mapping) -> Verdict:
    found = figures["to stationarity 0.1"]
    seconds, slope = sorted(found["seconds"])[len(found["seconds"]) // 2], found["slope, median"]
    words = f"{seconds:.2f} s, median {slope:.2f}, {found['share at slope 0.1']:.0%} of pairs at 0.1"
    return Verdict(words, seconds <= 3 and slope <= 0.1)


def _stationarity(figures: Mapping) -> Verdict:
    median = figures["to stationarity 0.1"]["stationarity, median"]
    return Verdict(f"{median:.2f}: minima sit on kinks, where no one piece is stationary", median <= 0.1)


def _blindness(figures: Mapping) -> Verdict:
    here, beyond = (figures[name]["blindness ratio, mean"] for name in ("to stationarity 0.1", "ten times the steps"))
    return Verdict(f"{here:.4f} beside {beyond:.4f}", here <= 1.01 * beyond)


def _dataset(figures: Mapping) -> Verdict:
    whole, geometry = (figures["ratios"][name]["median"] for name in (dataset.OURS, dataset.GEOMETRY))
    return Verdict(f"{whole:.1f} ×; without sensitivities {geometry:.2f} ×", whole <= 3)


def _memory(figures: Mapping) -> Verdict:
    peaks = figures["peak memory, MiB"]
    few, many = (float(peaks[count]) for count in sorted(peaks, key=int))
    return Verdict(
        ", ".join(f"{peaks[count]:.0f} MiB for {int(count):,}" for count in sorted(peaks, key=int)), many <= 1.05 * few
    )


def _scaling(figures: Mapping) -> Verdict:
    found = figures["seconds an image by batch size"]
    sizes = sorted(found, key=int)
    times = [found[size]["median"] for size in sizes]
    words = ", ".join(f"{size}: {1e3 * each:.1f}" for size, each in zip(sizes, times, strict=True)) + " ms"
    return Verdict(words, all(later <= 1.05 * before for before, later in itertools.pairwise(times)))


def _large_project(figures: Mapping) -> Verdict:
    found = [(m, figures[f"m = {m}"]["project"]) for m in large.LATENTS]
    words = (f"{m} latents: {each['residual / |z|']:.0e} in {each['seconds']:.0f} s" for m, each in found)
    return Verdict("; ".join(words), all(each["residual / |z|"] <= large.RTOL for _, each in found))


def _large_walk(figures: Mapping) -> Verdict:
    found = [(m, figures[f"m = {m}"]["walk"]) for m in large.LATENTS]
    words = (f"{m} latents: {each['greatest residual / |z|']:.0e} in {each['seconds']:.0f} s" for m, each in found)
    arrived = (
        each["greatest residual / |z|"] <= large.RTOL and each["length gone"] >= 0.97 * large.WALK_LENGTH
        for _, each in found
    )
    return Verdict("; ".join(words), all(arrived))


def _large_memory(figures: Mapping) -> Verdict | None:
    peak = "peak memory above the loaded network, MiB"
    words, met = [], True
    for m in large.LATENTS:
        found = figures[f"m = {m}"]
        taken, one_pass = found["project"][peak], found["forward"][peak]
        if taken is None or one_pass is None:
            return None
        words.append(f"{m} latents: {taken / one_pass:.1f} × ({taken:.0f} MiB, {large.documented(m):.0f} documented)")
        met = met and taken <= 2 * one_pass + large.documented(m)
    return Verdict("; ".join(words), met)
