"""Searches for metamers against the clock: a search yields ever better images, a judge looks at them off the clock."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from benchmarks.speed.networks import Network, Pairs
from torch import Tensor

TOLERANCE = 1e-5
_LEAST_SHARE = 0.5
MOST_CAPS = 4  # images of a batch share the seconds of so many


class Trace(NamedTuple):
    """Seconds on the clock at each look, and each image's least ``|r| / |z|`` up to then."""

    seconds: list[float]
    residuals: list[Tensor]
    batch: int


class Cost(NamedTuple):
    """What a search costs when it is given up at the moment that suits it best.

    ``seconds`` are those spent on all images, the lost ones too, over the images that arrived: the expected running
    time of Hansen et al. (2021), COCO. Infinite where fewer than half arrive; ``share`` is of those that ever do.
    """

    seconds: float
    share: float
    given_up_after: float
    median_arrival: float


def follow(search: Iterator[Tensor], network: Network, pairs: Pairs, *, cap_seconds: float) -> Trace:
    """Run a search until all its images are on their fibers, it ends, or the seconds are used up.

    Images are judged clamped to [0, 1], so a search that only keeps near the box is judged at its nearest point in it.
    """
    trace = Trace([], [], len(pairs.starts))
    best, elapsed = torch.full((trace.batch,), math.inf), 0.0
    while elapsed < cap_seconds * min(trace.batch, MOST_CAPS):
        started = time.perf_counter()
        images = next(search, None)
        elapsed += time.perf_counter() - started
        if images is None:
            break
        best = torch.minimum(best, relative_residual(network, images, pairs.latents).nan_to_num(math.inf))
        trace.seconds.append(elapsed)
        trace.residuals.append(best)
        if bool((best <= TOLERANCE).all()):
            break
    return trace


@torch.no_grad()
def relative_residual(network: Network, images: Tensor, latents: Tensor) -> Tensor:
    found = network.module(images.detach().reshape(-1, 1, 28, 28).clamp(0, 1))
    return (found - latents).norm(dim=1) / latents.norm(dim=1)


def cost(traces: Sequence[Trace]) -> Cost:
    arrivals = torch.cat([_arrivals(trace) for trace in traces])
    ends = torch.tensor([trace.seconds[-1] if trace.seconds else 0.0 for trace in traces], dtype=torch.float64)
    came = arrivals[arrivals.isfinite()].sort().values
    share = len(came) / len(arrivals)
    if share < _LEAST_SHARE:
        return Cost(math.inf, share, float(ends.max()), math.inf)
    most = [(float(ends.clamp_max(float(cap)).sum()) / (place + 1), float(cap)) for place, cap in enumerate(came)]
    seconds, cap = min(most[math.ceil(_LEAST_SHARE * len(arrivals)) - 1 :])
    return Cost(seconds, share, cap, float(came.median()))


def residual_at(traces: Sequence[Trace], seconds_an_image: float) -> float:
    """Median over images of the least ``|r| / |z|`` after so many seconds an image; 1 before the first look."""
    found = []
    for trace in traces:
        looks = [place for place, spent in enumerate(trace.seconds) if spent <= seconds_an_image * trace.batch]
        found.append(trace.residuals[looks[-1]] if looks else torch.ones(trace.batch))
    return float(torch.cat(found).median())


def _arrivals(trace: Trace) -> Tensor:
    when = torch.full((trace.batch,), math.inf, dtype=torch.float64)
    for seconds, residual in zip(trace.seconds, trace.residuals, strict=True):
        when = torch.where(when.isinf() & (residual <= TOLERANCE), seconds, when)
    return when
