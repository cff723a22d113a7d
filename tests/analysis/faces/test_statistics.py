"""Numbers over people are those that one counts by hand, and say how sure they are."""

from __future__ import annotations

import math

import pytest
import torch

from fiberscope.analysis.faces.statistics import Estimate, auc, over_people, threshold_at


def test_the_area_is_the_share_of_comparisons_won_and_ties_are_half_a_win():
    same, different = torch.tensor([0.9, 0.5, 0.2]), torch.tensor([0.5, 0.1])
    assert auc(same, different) == pytest.approx((2 + 1.5 + 1) / 6)
    assert auc(different, same) == pytest.approx(1 - (2 + 1.5 + 1) / 6)
    assert auc(torch.ones(3), torch.ones(4)) == 0.5


def test_the_threshold_is_exceeded_by_so_large_a_share():
    different = torch.arange(1000.0)
    assert float((different > threshold_at(different, false_accepts=0.01)).sum()) == 10


def test_an_interval_lies_around_its_number_and_narrows_with_the_count():
    values = torch.randn(40, generator=torch.Generator().manual_seed(0))
    few, many = over_people(values), over_people(values.repeat(4))
    assert few.low < few.value < few.high
    assert few.high - few.low == pytest.approx(2 * 1.96 * float(values.std()) / math.sqrt(40), rel=0.15)
    assert many.high - many.low == pytest.approx((few.high - few.low) / 2, rel=0.15)


def test_two_people_have_no_interval_and_unknown_values_do_not_count():
    found = over_people(torch.tensor([1.0, 3.0, torch.nan]), of="median")
    assert found.value == 2.0
    assert math.isnan(found.low)
    assert found.words() == "2.00"


def test_a_headline_says_what_stands_behind_its_number():
    found = Estimate(0.99461, 0.98378, 1.0)
    assert found.words(3) == "0.995 (0.984 to 1.000)"
    assert found.headline(3) == "0.995 (95 %: 0.984 to 1.000)"
    assert found.headline(0, percent=True) == "99 % (95 %: 98 to 100)"
