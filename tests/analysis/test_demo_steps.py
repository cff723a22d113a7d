"""What the demo draws by chance follows the seed."""

import pytest
import torch

from fiberscope.analysis.answer import grouped
from fiberscope.analysis.demo.partners import KNOWN_CONFUSIONS, choose_partners
from fiberscope.analysis.demo.ten_digits import choose_digits, open_ten_digits


@pytest.fixture(scope="module")
def study():
    return open_ten_digits(seed=3)[0]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(20))
def test_every_class_is_a_partner_once_and_none_its_own(seed):
    partners = choose_partners(generator=generator(seed)).tolist()
    assert sorted(partners) == list(range(10))
    assert all(partner != digit for digit, partner in enumerate(partners))
    assert all(partners[digit] == partner for digit, partner in KNOWN_CONFUSIONS)


def test_partners_follow_the_seed():
    assert len({tuple(choose_partners(generator=generator(seed)).tolist()) for seed in range(20)}) > 5


def test_only_digits_that_are_read_right_are_chosen():
    labels = torch.arange(10).repeat(5)
    hits = torch.zeros(50, dtype=torch.bool)
    hits[20:30] = True
    assert choose_digits(labels, hits, generator=generator()).tolist() == list(range(20, 30))


def test_digits_follow_the_seed():
    labels, hits = torch.arange(10).repeat(50), torch.ones(500, dtype=torch.bool)
    first, again, other = (choose_digits(labels, hits, generator=generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_study_is_of_one_digit_a_class_with_the_others_as_partners(study):
    assert study.images.labels == tuple(range(10))
    assert sorted(study.partners.names) == sorted(study.images.names)
    assert [study.partners.labels[digit] for digit, _ in KNOWN_CONFUSIONS] == [each for _, each in KNOWN_CONFUSIONS]


def test_another_seed_gives_other_digits(study):
    assert not torch.equal(study.images.images, open_ten_digits(seed=4)[0].images.images)


@pytest.mark.parametrize(("number", "words"), [(10000, "10 000"), (7, "7"), (116550.4, "120 000")])
def test_counts_are_grouped_and_estimates_rounded(number, words):
    narrow = words.replace(" ", "\N{NARROW NO-BREAK SPACE}")
    assert grouped(number, digits=None if isinstance(number, int) else 2) == narrow
