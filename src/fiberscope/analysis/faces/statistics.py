"""Numbers over people, with the interval that another choice of people would leave them in."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import bootstrap, rankdata
from torch import Tensor

_RESAMPLES = 2000
_LEAST = 3  # people


class Estimate(NamedTuple):
    """A number over people, and its 95 % interval by the bootstrap over people; NaN ends where there are too few."""

    value: float
    low: float
    high: float

    def words(self, digits: int = 2, *, percent: bool = False) -> str:
        """The number with its interval."""
        return self._written(digits, percent, "{value} ({low} to {high})")

    def headline(self, digits: int = 2, *, percent: bool = False) -> str:
        """The number with its interval, which says what it is: a headline stands far from the methods."""
        return self._written(digits, percent, "{value} (95 %: {low} to {high})")

    def _written(self, digits: int, percent: bool, form: str) -> str:
        factor, unit = (100, " %") if percent else (1, "")
        value, low, high = (f"{factor * number:.{digits}f}" for number in self)
        return form.format(value=value + unit, low=low, high=high) if self.low == self.low else value + unit


def over_people(values: Float[Tensor, " person"], *, of: Literal["mean", "median"] = "mean", seed: int = 0) -> Estimate:
    """The mean or the median over people, without those that are NaN.

    References:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13 (percentile intervals).
    """
    known = values[~values.isnan()].double().cpu().numpy()
    statistic = np.mean if of == "mean" else np.median
    value = float(statistic(known)) if len(known) else float("nan")
    if len(known) < _LEAST:
        return Estimate(value, float("nan"), float("nan"))
    if np.ptp(known) == 0:
        return Estimate(value, value, value)
    found = bootstrap(
        (known,), statistic, n_resamples=_RESAMPLES, method="percentile", random_state=np.random.default_rng(seed)
    ).confidence_interval
    return Estimate(value, float(found.low), float(found.high))


def auc(same: Float[Tensor, " some"], different: Float[Tensor, " other"]) -> float:
    """The chance that a pair of one person is more alike than a pair of two; ties count half.

    References:
        Hanley and McNeil (1982), The meaning and use of the area under a receiver operating characteristic curve.
    """
    ranks = rankdata(torch.cat([same, different]).double().cpu().numpy())
    count, others = len(same), len(different)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * others))


def threshold_at(different: Float[Tensor, " pair"], *, false_accepts: float) -> float:
    """The likeness that so large a share of pairs of two people exceeds."""
    return float(torch.quantile(different.double(), 1 - false_accepts))
