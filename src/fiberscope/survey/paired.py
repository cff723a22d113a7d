"""Paired statistics of one number at the same images, of two surveys: differences, their intervals, and a test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import binomtest, bootstrap, norm, quantile_test, wilcoxon

from fiberscope.problem import FiberscopeError

LEVEL = 0.95
MOST_RESAMPLED = 20_000
"""Images up to which intervals are from a bootstrap."""

_RESAMPLES, _FEWER, _MANY = 2000, 1000, 5000  # resamples up to so many images, and beyond
_AT_ONCE = 2_000_000  # numbers of resamples in memory


class Interval(NamedTuple):
    """An estimate with its 95 % confidence interval; NaN where one image alone says nothing of others."""

    value: float
    low: float
    high: float


class Paired(NamedTuple):
    """One column at the images of one group that both surveys know; differences are the first minus the second.

    ``images`` know the number in both, ``finite`` of them have a finite one in both: medians of each survey,
    differences and the test are of these. ``greater`` and ``less`` count all. ``p`` is Wilcoxon's signed-rank test of
    symmetry about zero, ``p_holm`` the same corrected for all tests of its family; ``effect`` is the mean difference
    over the standard deviation of differences.
    """

    column: str
    group: str
    images: int
    finite: int
    first_median: float
    second_median: float
    mean: Interval
    median: Interval
    effect: Interval
    greater: int
    less: int
    p: float
    p_holm: float


def paired(
    column: str,
    group: str,
    first: Float64[ndarray, " image"],
    second: Float64[ndarray, " image"],
    *,
    rng: np.random.Generator,
) -> Paired:
    """Compare two numbers at each image; NaN is not known. Raises FiberscopeError where they are not one for each."""
    if len(first) != len(second):
        raise FiberscopeError(f"second: {len(second)} numbers for {len(first)} images. Give one for each image.")
    known = ~(np.isnan(first) | np.isnan(second))
    one, other = first[known], second[known]
    finite = np.isfinite(one) & np.isfinite(other)
    difference = one[finite] - other[finite]
    mean, median = intervals(difference, rng=rng)
    spread = float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    scale = 1 / spread if spread > 0 else (math.nan if mean.value else 0.0)
    return Paired(
        column,
        group,
        images=int(known.sum()),
        finite=int(finite.sum()),
        first_median=_median(one[finite]),
        second_median=_median(other[finite]),
        mean=mean,
        median=median,
        effect=Interval(*(scale * value for value in mean)),
        greater=int((one > other).sum()),
        less=int((one < other).sum()),
        p=_signed_rank(difference),
        p_holm=math.nan,
    )


def intervals(difference: Float64[ndarray, " image"], *, rng: np.random.Generator) -> tuple[Interval, Interval]:
    """The mean and the median with 95 % confidence intervals.

    Up to 20,000 images by the percentile bootstrap over images (2,000 resamples, beyond 5,000 images 1,000). Beyond, a
    bootstrap says no more than what is known in closed form: the mean's is normal by the central limit theorem, the
    median's is from order statistics.

    References:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
        Conover (1999), Practical Nonparametric Statistics, section 3.2.
    """
    count = len(difference)
    if not count:
        return Interval(*[math.nan] * 3), Interval(*[math.nan] * 3)
    mean, median = float(difference.mean()), float(np.median(difference))
    if count == 1:
        return Interval(mean, math.nan, math.nan), Interval(median, math.nan, math.nan)
    if count > MOST_RESAMPLED:
        half = float(norm.ppf(0.5 + LEVEL / 2) * difference.std(ddof=1) / math.sqrt(count))
        low, high = quantile_test(difference, q=median, p=0.5).confidence_interval(LEVEL)
        return Interval(mean, mean - half, mean + half), Interval(median, float(low), float(high))
    found = bootstrap(
        (difference,),
        _mean_and_median,
        n_resamples=_RESAMPLES if count <= _MANY else _FEWER,
        batch=max(1, _AT_ONCE // count),
        confidence_level=LEVEL,
        method="percentile",  # the others fail where all differences are equal, and for the median
        random_state=rng,
    ).confidence_interval
    (mean_low, median_low), (mean_high, median_high) = found.low.tolist(), found.high.tolist()
    return Interval(mean, mean_low, mean_high), Interval(median, median_low, median_high)


class Agreement(NamedTuple):
    """How two surveys read the same images: the same class, and which of them reads the label, by McNemar's exact test.

    ``labelled`` of the ``images`` have labels: of these both, the first alone, the second alone or neither are right.
    """

    images: int
    same: int
    labelled: int
    both: int
    first_alone: int
    second_alone: int
    neither: int
    p: float


def agreement(
    first: Float64[ndarray, " image"], second: Float64[ndarray, " image"], labels: Float64[ndarray, " image"]
) -> Agreement:
    """Compare classes read; NaN is not known.

    References:
        McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages.
    """
    read = ~(np.isnan(first) | np.isnan(second))
    one, other, label = first[read], second[read], labels[read]
    known = ~np.isnan(label)
    right, wrong = one[known] == label[known], other[known] != label[known]
    first_alone, second_alone = int((right & wrong).sum()), int((~right & ~wrong).sum())
    apart = first_alone + second_alone
    return Agreement(
        images=int(read.sum()),
        same=int((one == other).sum()),
        labelled=int(known.sum()),
        both=int((right & ~wrong).sum()),
        first_alone=first_alone,
        second_alone=second_alone,
        neither=int((~right & wrong).sum()),
        p=float(binomtest(first_alone, apart).pvalue) if apart else 1.0,
    )


def corrected(rows: Sequence[Paired]) -> tuple[Paired, ...]:
    """The same rows with p-values corrected for the number of them.

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    tested = [place for place, row in enumerate(rows) if not math.isnan(row.p)]
    found, highest = list(rows), 0.0
    for rank, place in enumerate(sorted(tested, key=lambda each: rows[each].p)):
        highest = max(highest, min(1.0, (len(tested) - rank) * rows[place].p))
        found[place] = rows[place]._replace(p_holm=highest)
    return tuple(found)


def _signed_rank(difference: Float64[ndarray, " image"]) -> float:
    if not len(difference):
        return math.nan
    # Where nothing differs there is nothing to rank, and nothing against symmetry.
    return float(wilcoxon(difference).pvalue) if difference.any() else 1.0


def _mean_and_median(values: Any, axis: int = -1) -> Any:
    return np.stack([values.mean(axis=axis), np.median(values, axis=axis)])


def _median(values: Float64[ndarray, " image"]) -> float:
    return float(np.median(values)) if len(values) else math.nan
