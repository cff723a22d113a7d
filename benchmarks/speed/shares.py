"""Where fiberscope's own time goes: passes through the network, steps in the box, and all else."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from benchmarks.speed.nearest import STATIONARITY
from benchmarks.speed.networks import Network, digits, pairs_of_digits
from benchmarks.speed.sizes import Size
from benchmarks.speed.walks import LENGTH
from torch.utils._python_dispatch import TorchDispatchMode

import fiberscope as fs

BACKWARD, FORWARD, BOX, ELSE = PARTS = ("backward passes", "forward passes", "steps in the box", "all else")
_BOX_STEP = (
    "fiberscope.moves.trial",
    "fiberscope.moves.glide",
    "fiberscope.moves.predictor",
    "fiberscope.geometry.cone",
)


def measure(network: Network, size: Size) -> dict[str, object]:
    """Seconds of each part, Jacobians an image, and the torch operations that are called, for each kind of work."""
    return {name: _shares(run) for name, run in _work(network, size).items()}


def _work(network: Network, size: Size) -> dict[str, Callable[[], torch.Tensor]]:
    """Each returns the number of Jacobians that each of its images took, NaN where that is not told."""
    pairs = pairs_of_digits(network, size.project_images)
    count, steps, walkers = size.nearest_pairs, size.walk_steps, size.walkers
    start = digits()[:1].expand(walkers, -1, -1, -1).contiguous()

    def project(rows: slice) -> torch.Tensor:
        return fs.project(fs.Fiber(network.latent_map, pairs.latents[rows]), pairs.starts[rows]).num_jacobians

    def one_by_one() -> torch.Tensor:
        alone = range(min(size.latency_images, size.project_images))
        return torch.cat([project(slice(k, k + 1)) for k in alone])

    def nearest() -> torch.Tensor:
        fiber = fs.Fiber(network.latent_map, pairs.latents[:count])
        return fs.nearest(fiber, pairs.starts[:count], gtol=STATIONARITY).num_jacobians

    def walk() -> torch.Tensor:
        fiber = fs.Fiber.through(network.latent_map, start[:1])
        headings = digits()[1 : walkers + 1] - start
        fs.walk(fiber, start, headings, length=LENGTH, num_steps=steps)
        return torch.full((walkers,), torch.nan)

    return {
        f"project, {size.project_images} at once": lambda: project(slice(None)),
        "project, one at a time": one_by_one,
        f"nearest, {count} pairs": nearest,
        f"walk, {walkers} × {steps} steps": walk,
    }


def _shares(run: Callable[[], torch.Tensor]) -> dict[str, object]:
    run()
    with _Counting() as counting:
        run()
    with _watched() as seconds:
        started = time.perf_counter()
        jacobians = run()
        whole = time.perf_counter() - started
    mean = float(jacobians.double().mean())
    parts = {part: seconds[part] for part in PARTS[:-1]}
    return {
        "images": len(jacobians),
        "seconds": whole,
        "parts": {**parts, ELSE: whole - sum(parts.values())},
        "Jacobians an image": None if math.isnan(mean) else mean,
        "torch operations": counting.operations,
    }


class _Counting(TorchDispatchMode):
    """Counts the operations that torch carries out."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        self.operations += 1
        return func(*args, **(kwargs or {}))


@contextmanager
def _watched() -> Iterator[Counter[str]]:
    """Seconds spent in each part while this is open; what a part calls of another one counts there."""
    seconds: Counter[str] = Counter()
    within: list[str] = []
    last = time.perf_counter()

    def lap() -> None:
        nonlocal last
        now = time.perf_counter()
        if within:
            seconds[within[-1]] += now - last
        last = now

    def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: object, **named: object) -> object:
            lap()
            within.append(part)
            try:
                return function(*arguments, **named)
            finally:
                lap()
                within.pop()

        return call

    box_step = fs.geometry.box_step
    patches = [patch.object(sys.modules[name], "box_step", timed(BOX, box_step)) for name in _BOX_STEP]
    patches.append(patch.object(torch.autograd, "grad", timed(BACKWARD, torch.autograd.grad)))
    patches.append(patch.object(fs.LatentMap, "__call__", timed(FORWARD, fs.LatentMap.__call__)))
    for each in patches:
        each.start()
    try:
        yield seconds
    finally:
        for each in patches:
            each.stop()
