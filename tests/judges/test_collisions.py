"""Collision rates count every image once, with intervals that are known in closed form."""

import math

import pytest
import torch

from fiberscope.judges import Opinions, Verdict, collision_rates, worst_collisions
from fiberscope.problem.errors import FiberscopeError

W, C, U = Verdict.WANTED, Verdict.COLLISION, Verdict.UNSURE


def test_every_image_is_counted_once_in_its_bin():
    distances = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 2.1, -0.1])
    found = collision_rates(distances, (W, C, C, U, W, C, C), (0.0, 1.0, 2.0))
    assert found.images.tolist() == [2, 3]
    assert found.wanted.tolist() == [1, 1]
    assert found.collisions.tolist() == [1, 1]
    assert found.unsure.tolist() == [0, 1]
    assert found.rate.tolist() == pytest.approx([1 / 2, 1 / 3])
    assert (found.lower.tolist(), found.upper.tolist()) == ([0.0, 1.0], [1.0, 2.0])


def test_intervals_are_those_of_wilson():
    found = collision_rates(torch.zeros(20), (C,) * 5 + (W,) * 15, (0.0, 1.0))
    z, n, p = 1.959963984540054, 20, 0.25
    centre, reach = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert float(found.rate_low) == pytest.approx((centre - reach) / (1 + z * z / n))
    assert float(found.rate_high) == pytest.approx((centre + reach) / (1 + z * z / n))


def test_an_empty_bin_has_no_rate():
    found = collision_rates(torch.tensor([0.5]), (C,), (0.0, 1.0, 2.0))
    assert found.images.tolist() == [1, 0]
    assert math.isnan(found.rate[1])
    assert math.isnan(found.rate_low[1])


def test_distances_that_are_not_numbers_fall_into_no_bin():
    assert int(collision_rates(torch.tensor([math.nan, math.inf]), (C, C), (0.0, 1.0)).images.sum()) == 0


@pytest.mark.parametrize("edges", [(1.0,), (1.0, 1.0), (2.0, 1.0), (0.0, math.nan)])
def test_edges_that_make_no_bins_are_refused(edges):
    with pytest.raises(FiberscopeError, match="edges"):
        collision_rates(torch.zeros(1), (W,), edges)


def test_distances_and_verdicts_belong_together():
    with pytest.raises(FiberscopeError, match="give one for each"):
        collision_rates(torch.zeros(2), (W,), (0.0, 1.0))


def opinions(classes, confidence, *, sure=None):
    count = len(classes)
    return Opinions(
        torch.tensor(classes),
        torch.tensor(confidence, dtype=torch.float64),
        torch.tensor([True] * count if sure is None else sure),
        torch.full((count, 10), 0.1, dtype=torch.float64),
        torch.full((1, count, 10), 0.1, dtype=torch.float64),
        ("one",),
    )


def test_the_worst_collision_is_the_surest_and_among_equals_the_nearest():
    found = opinions([1, 1, 1, 1, 1], [0.9, 0.99, 0.991, 0.8, 0.999], sure=[True, True, True, True, False])
    network = torch.tensor([2, 2, 2, 1, 2])
    distances = torch.tensor([1.0, 5.0, 4.0, 0.1, 0.1])
    assert worst_collisions(found, network, distances).tolist() == [2, 1, 0]
    assert worst_collisions(found, network, distances, count=1).tolist() == [2]


def test_no_collision_is_an_empty_list():
    assert worst_collisions(opinions([1], [0.9]), torch.tensor([1]), torch.ones(1)).tolist() == []
