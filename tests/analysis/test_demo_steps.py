"""The steps of the demo: what is drawn by chance follows the seed, and the same seed gives the same bytes."""

import pytest
import torch

from fiberscope.analysis.answer import grouped
from fiberscope.analysis.demo.latent_scale import measure_scale
from fiberscope.analysis.demo.metamers import nearer
from fiberscope.analysis.demo.partners import KNOWN_CONFUSIONS, choose_partners
from fiberscope.analysis.demo.recognition import ask_recognition
from fiberscope.analysis.demo.sight_answer import ask_sight
from fiberscope.analysis.demo.stage import choose_digits, set_stage
from fiberscope.moves.nearest import Nearest
from fiberscope.moves.outcome import Outcome


@pytest.fixture(scope="module")
def stage():
    return set_stage(seed=3)


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


@pytest.mark.parametrize("ask", [ask_recognition, ask_sight])
def test_the_same_seed_gives_the_same_pictures_byte_for_byte(stage, ask):
    pictures, again = (ask(each).figures for each in (stage, set_stage(seed=3)))
    assert pictures
    assert {name: figure.image for name, figure in pictures.items()} == {
        name: figure.image for name, figure in again.items()
    }


def test_directions_are_turned_so_as_to_add_ink(stage):
    assert (stage.sight.unseen.sum(dim=2) >= 0).all()


def test_of_two_searches_the_nearer_result_is_kept_row_by_row():
    def result(fill: float, distance: list[float], outcome: Outcome) -> Nearest:
        each = torch.full((3,), fill)
        points = torch.full((3, 1, 2, 2), fill)
        return Nearest(points, each, each, torch.tensor(distance), each, torch.full((3,), int(fill)), (outcome,) * 3)

    one = result(1.0, [1.0, 5.0, 2.0], Outcome.CONVERGED)
    other = result(2.0, [3.0, 4.0, 2.0], Outcome.UNREACHABLE)
    kept = nearer(one, other)
    assert kept.points[:, 0, 0, 0].tolist() == kept.residual_norm.tolist() == kept.stationarity.tolist() == [1, 2, 1]
    assert kept.distance.tolist() == [1, 4, 2]
    assert [outcome.value for outcome in kept.outcome] == ["converged", "unreachable inside the box", "converged"]
    assert kept.num_jacobians.tolist() == [3, 3, 3]


@pytest.mark.parametrize(("number", "words"), [(10000, "10 000"), (7, "7"), (116550.4, "120 000")])
def test_counts_are_grouped_and_estimates_rounded(number, words):
    narrow = words.replace(" ", "\N{NARROW NO-BREAK SPACE}")
    assert grouped(number, digits=None if isinstance(number, int) else 2) == narrow


def test_another_seed_gives_other_digits(stage):
    assert not torch.equal(stage.chosen, set_stage(seed=4).chosen)


def test_latent_distances_are_taken_between_pairs_of_the_kind_they_say(stage):
    scale = measure_scale(stage)
    assert len(scale.same_class) == len(stage.test.labels) - 10  # one pair fewer than images in each class
    assert 0.85 < len(scale.other_class) / len(stage.test.labels) < 0.95  # nine of ten random pairs differ in class
    assert len(scale.grey_level) == len(scale.rounding) == 1000


def test_a_question_does_not_depend_on_which_were_asked_before(stage):
    first = measure_scale(stage)
    ask_sight(stage)
    assert torch.equal(measure_scale(stage).grey_level, first.grey_level)
