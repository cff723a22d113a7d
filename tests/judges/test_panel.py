"""A panel says what its judges say on average, and says so when that is not enough."""

from dataclasses import dataclass
from inspect import unwrap

import numpy as np
import pytest
import torch
from torch import nn

from fiberscope.judges import Judge, Panel, Verdict, decide, from_module
from fiberscope.problem.errors import FiberscopeError


@dataclass(frozen=True)
class Bright:
    """Says "bright" with the probability that is the mean of the image, to some power."""

    name: str = "bright"
    num_classes: int = 2
    power: float = 1.0

    def probabilities(self, images):
        bright = images.flatten(1).mean(dim=1) ** self.power
        return torch.stack([1 - bright, bright], dim=1)


@dataclass(frozen=True)
class Wild:
    """Answers with something that is no probability."""

    rows: torch.Tensor
    name: str = "wild"
    num_classes: int = 2

    def probabilities(self, images):
        return self.rows.expand(len(images), -1)


def greys(*values):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, 4, 4)


def test_any_object_with_the_three_names_is_a_judge():
    assert isinstance(Bright(), Judge)
    assert isinstance(from_module(nn.Flatten(), "own"), Judge)
    assert not isinstance(object(), Judge)


def test_opinions_are_the_weighted_mean_of_the_judges():
    panel = Panel((Bright(), Bright("square", power=2.0)), weights=(1.0, 3.0))
    found = panel.opinions(greys(0.2, 0.9))
    exact = torch.tensor([(0.2 + 3 * 0.04) / 4, (0.9 + 3 * 0.81) / 4], dtype=torch.float64)
    assert torch.allclose(found.probabilities[:, 1], exact)
    assert found.classes.tolist() == [0, 1]
    assert torch.allclose(found.confidence, torch.stack([1 - exact[0], exact[1]]))
    assert found.per_judge.shape == (2, 2, 2)
    assert found.judges == ("bright", "square")


def test_without_weights_every_judge_counts_the_same():
    found = Panel((Bright(), Bright("square", power=2.0))).opinions(greys(0.5))
    assert float(found.probabilities[0, 1]) == pytest.approx((0.5 + 0.25) / 2)


def test_a_judge_of_weight_zero_is_heard_and_not_counted():
    found = Panel((Bright(), Bright("square", power=2.0)), weights=(1.0, 0.0)).opinions(greys(0.5))
    assert float(found.probabilities[0, 1]) == pytest.approx(0.5)


def test_verdicts_are_wanted_collision_and_unsure():
    panel = Panel((Bright(),), threshold=0.7)
    verdicts = panel.verdicts(greys(0.9, 0.9, 0.6, 0.1), torch.tensor([1, 0, 1, 0]))
    assert verdicts == (Verdict.WANTED, Verdict.COLLISION, Verdict.UNSURE, Verdict.WANTED)


def test_a_threshold_of_zero_is_never_unsure():
    assert Verdict.UNSURE not in Panel((Bright(),), threshold=0.0).verdicts(greys(0.5, 0.51), torch.tensor([0, 1]))


def test_arrays_and_tensors_with_and_without_channel_are_the_same_images():
    panel, images = Panel((Bright(),)), torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = panel.opinions(images).probabilities
    for given in (images[:, 0], images.numpy(), images[:, 0].double().numpy(), images.double()):
        assert torch.allclose(unwrap(Panel.opinions)(panel, given).probabilities, expected, atol=1e-6)


def test_no_image_is_no_opinion():
    found = Panel((Bright(),)).opinions(torch.zeros(0, 1, 4, 4))
    assert found.classes.shape == (0,)
    assert Panel((Bright(),)).verdicts(torch.zeros(0, 1, 4, 4), torch.zeros(0, dtype=torch.int64)) == ()


def test_a_network_of_logits_becomes_a_judge_and_its_temperature_softens_it():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    images = torch.rand(4, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    hard, soft = (from_module(network, "own", num_classes=3, temperature=t) for t in (1.0, 5.0))
    logits = network(images).detach()
    assert torch.allclose(hard.probabilities(images), logits.softmax(1))
    assert torch.allclose(soft.probabilities(images), (logits / 5).softmax(1))


def test_a_judge_is_asked_in_eval_mode_and_without_gradients():
    judge = from_module(nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2)), "own", num_classes=2)
    images = torch.ones(3, 1, 4, 4)
    said = judge.probabilities(images)
    assert torch.equal(said, judge.probabilities(images))
    assert not said.requires_grad


def test_rows_do_not_talk_to_each_other():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 10))
    panel, images = Panel((from_module(network, "own"),)), torch.rand(600, 1, 4, 4)
    together = panel.opinions(images).probabilities
    alone = torch.cat([panel.opinions(images[row : row + 1]).probabilities for row in (0, 311, 599)])
    assert torch.allclose(together[[0, 311, 599]], alone, atol=1e-6)


def test_images_that_a_memory_knows_are_told():
    class Memory:
        def seen(self, images):
            return images.flatten(1).mean(dim=1) > 0.5

    panel = Panel((Bright(),), memories=(Memory(),))
    assert panel.seen(greys(0.2, 0.8)).tolist() == [False, True]
    assert Panel((Bright(),)).seen(greys(0.2, 0.8)).tolist() == [False, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"judges": ()}, "judges is empty"),
        ({"judges": (Bright(), Bright())}, "each its own"),
        ({"judges": (Bright(), Bright("ten", num_classes=10))}, "number of classes: .*'bright': 2, 'ten': 10"),
        ({"judges": (Bright(),), "weights": (1.0, 2.0)}, "weights are"),
        ({"judges": (Bright(),), "weights": (-1.0,)}, "weights are"),
        ({"judges": (Bright(),), "weights": (0.0,)}, "weights are"),
        ({"judges": (Bright(),), "weights": (float("nan"),)}, "weights are"),
        ({"judges": (Bright(),), "threshold": 1.0}, "threshold is 1"),
        ({"judges": (Bright(),), "threshold": float("nan")}, "threshold is nan"),
    ],
)
def test_a_panel_that_cannot_vote_is_refused(arguments, message):
    with pytest.raises(FiberscopeError, match=message):
        Panel(**arguments)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(4, 4), "shape"),
        (torch.full((2, 1, 4, 4), 255.0), "divide by 255"),
        (torch.full((2, 1, 4, 4), -0.1), "wanted"),
        (torch.tensor([[[[0.5, float("nan")]]]]), "not finite in rows"),
    ],
)
def test_images_that_are_none_are_refused(images, message):
    with pytest.raises(FiberscopeError, match=message):
        Panel((Bright(),)).opinions(images)


def test_a_judge_that_answers_with_the_wrong_number_of_classes_is_named():
    judge = from_module(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), "three")
    with pytest.raises(FiberscopeError, match=r"'three' answered with shape \(2, 3\), wanted \(2, 10\)"):
        Panel((judge,)).opinions(torch.zeros(2, 1, 4, 4))


@pytest.mark.parametrize("rows", [[[0.5, 0.9]], [[-0.5, 1.5]], [[float("nan"), 1.0]]])
def test_a_judge_that_answers_with_no_probabilities_is_named(rows):
    with pytest.raises(FiberscopeError, match="'wild'"):
        Panel((Wild(torch.tensor(rows)),)).opinions(torch.zeros(2, 1, 4, 4))


def test_classes_that_no_judge_knows_are_refused():
    panel = Panel((Bright(),))
    for classes in ([0, 2], [-1, 0]):
        with pytest.raises(FiberscopeError, match="the judges know 2 classes"):
            panel.verdicts(greys(0.2, 0.8), torch.tensor(classes))
    with pytest.raises(FiberscopeError, match="give one for each"):
        panel.verdicts(greys(0.2, 0.8), torch.tensor([1]))
    with pytest.raises(FiberscopeError, match="give one for each"):
        decide(panel.opinions(greys(0.2)), torch.tensor([1, 1]))


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"temperature": float("nan")}, {"num_classes": 1}])
def test_a_module_that_can_be_no_judge_is_refused(options):
    with pytest.raises(FiberscopeError):
        from_module(nn.Flatten(), "own", **options)


def test_numbers_of_numpy_that_are_no_floats_are_told():
    with pytest.raises(FiberscopeError, match="divide by"):
        unwrap(Panel.opinions)(Panel((Bright(),)), np.full((1, 4, 4), 200, dtype=np.uint8))
