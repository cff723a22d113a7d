"""What is said of named variations, for numbers that are given."""

from __future__ import annotations

import pytest
import torch

from digit_studies import bent_study
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_findings import labels, minds
from fiberscope.analysis.study.variation_measures import Measured, measure
from fiberscope.variations import catalogue

NAMES = tuple(variation.name for variation in catalogue((1, 28, 28)))


@pytest.fixture(scope="module")
def study() -> Study:
    return bent_study()


@pytest.fixture(scope="module")
def measured(study) -> Measured:
    return measure(study)


def with_cut(measured, name, share):
    cut = torch.zeros_like(measured.followed.cut)
    cut[measured.minded.names.index(name)] = share
    return measured._replace(followed=measured.followed._replace(cut=cut))


def with_numbers(measured, numbers, random):
    """The least minded variation has these numbers, random directions those, all other variations 5."""
    relative = torch.full_like(measured.minded.relative, 5.0)
    relative[0] = torch.tensor(numbers).double()
    minded = measured.minded._replace(relative=relative, random=torch.tensor(random).double())
    return measured._replace(minded=minded)


def test_a_variation_that_the_box_cuts_for_the_most_part_is_marked(study, measured):
    measured = with_numbers(measured, [0.3] * 4, [0.9] * 4)
    cut, kept = (with_cut(measured, NAMES[0], share) for share in (0.68, 0.49))
    assert f"minds {NAMES[0]} least (0.3; at the end of its range the box cuts 68.0\N{NO-BREAK SPACE}% of it)" in minds(
        study, cut
    )
    assert labels(cut) == (f"{NAMES[0]} (mostly cut)", *NAMES[1:])
    assert f"minds {NAMES[0]} least (0.3) and" in minds(study, kept)
    assert labels(kept) == NAMES


def test_what_is_minded_like_a_random_direction_is_said_to_be(study, measured):
    measured = with_cut(measured, NAMES[0], 0.0)
    alike = with_numbers(measured, [0.2, 0.3, 0.4, 0.5], [0.3, 0.34, 0.34, 0.4])
    assert "least (0.35), no more than a random direction (0.34), and" in minds(study, alike)
    for random in ([0.6] * 4, [0.1] * 4):
        apart = with_numbers(measured, [0.2, 0.3, 0.4, 0.5], random)
        assert "random" not in minds(study, apart)
