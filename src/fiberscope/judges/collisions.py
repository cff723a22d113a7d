"""How often images of one latent are collisions, by distance; and the worst of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from scipy.stats import binomtest
from torch import Tensor

from fiberscope.judges.panel import Opinions, Verdict, decide
from fiberscope.problem.errors import FiberscopeError


class CollisionRates(NamedTuple):
    """Counts and rates in each bin of distance [lower, upper); rates of empty bins are NaN."""

    lower: Float[Tensor, " bin"]
    upper: Float[Tensor, " bin"]
    images: Int[Tensor, " bin"]
    wanted: Int[Tensor, " bin"]
    collisions: Int[Tensor, " bin"]
    unsure: Int[Tensor, " bin"]
    rate: Float[Tensor, " bin"]
    rate_low: Float[Tensor, " bin"]
    rate_high: Float[Tensor, " bin"]


def collision_rates(
    distances: Float[Tensor, " image"],
    verdicts: Sequence[Verdict],
    edges: Sequence[float] | Float[Tensor, " edge"],
    *,
    level: float = 0.95,
) -> CollisionRates:
    """Share of collisions among all images of each bin, unsure ones included, with Wilson intervals.

    The last bin includes its upper edge; images beyond the edges are not counted.

    Raises FiberscopeError when distances are not one for each verdict, or edges do not increase.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.
        Brown, Cai and DasGupta (2001), Interval estimation for a binomial proportion.
    """
    if len(distances) != len(verdicts):
        raise FiberscopeError(f"distances has {len(distances)} entries for {len(verdicts)} verdicts: give one for each")
    bounds = torch.as_tensor(edges, dtype=torch.float64)
    if len(bounds) < 2 or not bool((bounds.diff() > 0).all()):
        raise FiberscopeError(f"edges is {bounds.tolist()}, wanted at least two increasing distances")
    lengths = distances.detach().cpu().double()
    place = torch.bucketize(lengths, bounds, right=True) - 1
    place[lengths == bounds[-1]] = len(bounds) - 2
    count = {verdict: _count(place, verdicts, verdict, len(bounds) - 1) for verdict in Verdict}
    images = torch.stack(list(count.values())).sum(dim=0)
    low, high = _wilson(count[Verdict.COLLISION], images, level)
    return CollisionRates(
        lower=bounds[:-1],
        upper=bounds[1:],
        images=images,
        wanted=count[Verdict.WANTED],
        collisions=count[Verdict.COLLISION],
        unsure=count[Verdict.UNSURE],
        rate=count[Verdict.COLLISION].double() / images,
        rate_low=low,
        rate_high=high,
    )


def worst_collisions(
    opinions: Opinions,
    network_classes: Int[Tensor, " image"],
    distances: Float[Tensor, " image"],
    *,
    count: int = 10,
) -> Int[Tensor, " worst"]:
    """Rows of the collisions, the worst first: those of which the panel is most sure, then the nearest.

    Confidence counts in whole per cent, so that among images as sure as each other the nearest come first.
    """
    if len(distances) != len(opinions.classes):
        raise FiberscopeError(
            f"distances has {len(distances)} entries for {len(opinions.classes)} opinions: give one for each"
        )
    verdicts = decide(opinions, network_classes)
    rows = [row for row, verdict in enumerate(verdicts) if verdict is Verdict.COLLISION]
    order = sorted(rows, key=lambda row: (-round(100 * float(opinions.confidence[row])), float(distances[row])))
    return torch.tensor(order[:count], dtype=torch.int64)


def _count(place: Int[Tensor, " image"], verdicts: Sequence[Verdict], verdict: Verdict, bins: int) -> Int[Tensor, " b"]:
    here = torch.tensor([each is verdict for each in verdicts], dtype=torch.bool)
    inside = (place >= 0) & (place < bins)
    return torch.bincount(place[here & inside], minlength=bins)


def _wilson(
    hits: Int[Tensor, " bin"], of: Int[Tensor, " bin"], level: float
) -> tuple[Float[Tensor, " bin"], Float[Tensor, " bin"]]:
    ends = torch.full((2, len(of)), torch.nan, dtype=torch.float64)
    for place, (k, n) in enumerate(zip(hits.tolist(), of.tolist(), strict=True)):
        if n:
            interval = binomtest(k, n).proportion_ci(level, method="wilson")
            ends[:, place] = torch.tensor([interval.low, interval.high], dtype=torch.float64)
    return ends[0], ends[1]
