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
_BOUNDLESS = 1e100  # stands for infinity, whose quantiles are not a number


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
    mean, median, effect = intervals(difference, rng=rng)
    return Paired(
        column,
        group,
        images=int(known.sum()),
        finite=int(finite.sum()),
        first_median=_median(one[finite]),
        second_median=_median(other[finite]),
        mean=mean,
        median=median,
        effect=effect,
        greater=int((one > other).sum()),
        less=int((one < other).sum()),
        p=_signed_rank(difference),
        p_holm=math.nan,
    )


def intervals(
    difference: Float64[ndarray, " image"], *, rng: np.random.Generator
) -> tuple[Interval, Interval, Interval]:
    """The mean, the median, and the mean over the standard deviation, with 95 % confidence intervals.

    Up to 20,000 images by the percentile bootstrap over images (2,000 resamples, beyond 5,000 images 1,000). Beyond, a
    bootstrap says no more than what is known in closed form: the mean's is normal by the central limit theorem, the
    median's is from order statistics, the ratio's is normal by the delta method.

    References:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
        Conover (1999), Practical Nonparametric Statistics, section 3.2.
        van der Vaart (1998), Asymptotic Statistics, chapter 3.
    """
    count = len(difference)
    if not count:
        return (Interval(*[math.nan] * 3),) * 3
    values = _statistics(difference)
    if count == 1:
        mean, median, effect = (Interval(float(value), math.nan, math.nan) for value in values)
        return mean, median, effect if mean.value == 0 else Interval(*[math.nan] * 3)
    if count > MOST_RESAMPLED:
        low, high = _in_closed_form(difference, *values)
    else:
        found = bootstrap(
            (difference,),
            _statistics,
            n_resamples=_RESAMPLES if count <= _MANY else _FEWER,
            batch=max(1, _AT_ONCE // count),
            confidence_level=LEVEL,
            method="percentile",  # the others fail where all differences are equal, and for the median
            random_state=rng,
        ).confidence_interval
        low, high = found.low, found.high
    mean, median, effect = (Interval(*map(float, each)) for each in zip(values, low, high, strict=True))
    return mean, median, _known(effect)


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


def _statistics(values: Any, axis: int = -1) -> Any:
    """Mean, median, and mean over standard deviation: beyond all bounds where nothing but the mean is there."""
    mean = values.mean(axis=axis)
    spread = values.std(axis=axis, ddof=1) if values.shape[axis] > 1 else np.zeros_like(mean)
    effect = np.where(spread > 0, mean / np.where(spread > 0, spread, 1), np.sign(mean) * _BOUNDLESS)
    return np.stack([mean, np.median(values, axis=axis), effect])


def _in_closed_form(difference: Any, mean: float, median: float, effect: float) -> tuple[list[float], list[float]]:
    half = norm.ppf(0.5 + LEVEL / 2) / math.sqrt(len(difference))
    spread = difference.std(ddof=1)
    scaled = (difference - mean) / (spread if spread > 0 else 1)
    # How one image moves the ratio, by the mean and by the spread: its deviation is that of the ratio, times √n.
    moved = half * (scaled - effect / 2 * (scaled**2 - 1)).std(ddof=1) if spread > 0 else 0.0
    low, high = quantile_test(difference, q=median, p=0.5).confidence_interval(LEVEL)
    return [mean - half * spread, low, effect - moved], [mean + half * spread, high, effect + moved]


def _known(effect: Interval) -> Interval:
    """NaN for what is beyond all bounds, and for an interval that an end of is."""
    value, *ends = (math.nan if abs(each) >= _BOUNDLESS / 2 else each for each in effect)
    return Interval(value, *ends) if not any(map(math.isnan, ends)) else Interval(value, math.nan, math.nan)


def _median(values: Float64[ndarray, " image"]) -> float:
    return float(np.median(values)) if len(values) else math.nan
