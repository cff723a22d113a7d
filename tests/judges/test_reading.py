"""Ink, gradients, nuisances, memory and calibration: what each does, by cases known beforehand."""

import math

import pytest
import torch
from torch.nn import functional

from fiberscope.judges.calibration import calibration_error, fit_temperature
from fiberscope.judges.gradients import histograms
from fiberscope.judges.ink import blur, ink, upright
from fiberscope.judges.memory import remember
from fiberscope.judges.neighbours import fit_neighbours
from fiberscope.judges.nuisances import cut, disturb, grey, haunt, reweigh, shake, speckle, warp


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def bar(slant=0.0):
    """A vertical stroke that leans by so many pixels a row."""
    image = torch.zeros(1, 1, 28, 28)
    for row in range(6, 22):
        image[0, 0, row, round(13.5 + slant * (row - 13.5))] = 1
    return blur(image, 2) * 2


def test_ink_is_white_above_the_level_and_black_below_it():
    image = torch.tensor([0.0, 0.14, 0.2, 0.26, 1.0]).view(1, 1, 1, 5).expand(1, 1, 28, 5)
    shown = ink(functional.pad(image, (0, 23)))[0, 0, 0, :5]
    assert shown.tolist() == pytest.approx([0, 0, 0.5, 1, 1])


def test_a_fainter_pen_leaves_the_same_ink():
    image = bar().clamp(0, 1).round()
    assert torch.equal(ink(image), ink(0.3 * image))


def test_blur_keeps_the_ink():
    assert float(blur(bar(), 3).sum()) == pytest.approx(float(bar().sum()))


def test_what_is_upright_stays_and_what_leans_is_set_upright():
    straight = upright(bar())
    for slant in (-0.5, 0.3, 0.5):
        leaning = bar(slant)
        assert float((upright(leaning) - straight).norm()) < 0.45 * float((leaning - bar()).norm())


def test_a_shifted_digit_is_moved_to_the_middle(digits):
    image = digits.images[:5]
    assert torch.allclose(upright(image.roll((1, -2), (2, 3))), upright(image), atol=1e-4)


def test_blank_paper_is_no_trouble():
    blank = torch.zeros(2, 1, 28, 28)
    assert torch.equal(upright(blank), blank)
    assert bool(torch.isfinite(histograms(blank)).all())


def test_a_stroke_counts_in_the_direction_across_it():
    def strength(image):
        return histograms(image).view(9, 7, 7).sum(dim=(1, 2))

    across, along = strength(bar()), strength(bar().transpose(2, 3))
    # nine bins of 40 degrees: to the right is bin 0, to the left between 4 and 5, down between 2 and 3
    assert float(across[0]) > float(along[0])
    assert float(along[2] + along[3]) > float(across[2] + across[3])


def test_a_direction_between_two_bins_counts_for_both_by_nearness():
    place = torch.arange(28.0)
    angle = math.radians(1.25 * 40)  # a quarter of the way from bin 1 to bin 2
    ramp = (place[None, :] * math.cos(angle) + place[:, None] * math.sin(angle)) / 60
    middle = histograms(ramp[None, None]).view(9, 7, 7)[:, 3, 3]
    assert float(middle[2] / middle[1]) == pytest.approx(1 / 3, rel=1e-3)
    assert float(middle[[0, 3, 4, 5, 6, 7, 8]].abs().max()) < 1e-5


@pytest.mark.parametrize("change", [warp, reweigh, cut, grey, haunt, shake, speckle, disturb])
def test_nuisances_are_seeded_and_stay_images(change, digits):
    images = digits.images[:40]
    changed = change(images, seeded())
    assert torch.equal(changed, change(images, seeded()))
    assert not torch.equal(changed, images)
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1


@pytest.mark.parametrize(("change", "sign"), [(cut, -1), (grey, -1), (haunt, 1)])
def test_nuisances_that_take_ink_add_none_and_the_other_way_round(change, sign, digits):
    images = digits.images[:40]
    assert bool((sign * (change(images, seeded()) - images) >= 0).all())


def test_a_ghost_is_fainter_than_the_digit(digits):
    images = digits.images[:40]
    assert float((haunt(images, seeded()) - images).max()) <= 0.3


def test_images_are_remembered_and_copies_with_a_little_noise_too(digits):
    memory = remember(digits.images[:500])
    copies = digits.images[:50] + 0.012 * torch.randn(50, 1, 28, 28, generator=seeded())
    assert bool(memory.seen(digits.images[:500]).all())
    assert float(memory.seen(copies.clamp(0, 1)).double().mean()) == 1
    assert int(memory.seen(digits.images[500:1500]).sum()) <= 2
    assert memory.seen(digits.images[:0]).shape == (0,)


def test_neighbours_know_their_digits_and_abstain_far_from_all(digits):
    judge = fit_neighbours(digits.images[:600], digits.labels[:600], voters=550)
    said = judge(digits.images[:550]).softmax(dim=1)
    assert float((said.argmax(dim=1) == digits.labels[:550]).double().mean()) == 1
    noise = judge(torch.rand(20, 1, 28, 28, generator=seeded())).softmax(dim=1)
    assert float(noise.max()) < 0.2


def test_a_temperature_undoes_a_scale():
    generator = seeded()
    probabilities = torch.softmax(torch.randn(20_000, 4, generator=generator), dim=1)
    labels = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
    assert fit_temperature(3 * probabilities.log(), labels) == pytest.approx(3, rel=0.05)


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy():
    said = torch.tensor([[0.9, 0.1]]).expand(100, 2)
    labels = torch.tensor([0] * 70 + [1] * 30)
    assert calibration_error(said, labels) == pytest.approx(0.2)
    timid = torch.tensor([[0.6, 0.4]]).expand(100, 2)  # and right every time: errors do not make up for each other
    both = calibration_error(torch.cat([said, timid]), torch.cat([labels, torch.zeros(100, dtype=torch.int64)]))
    assert both == pytest.approx((0.2 + 0.4) / 2)
    assert calibration_error(torch.tensor([[1.0, 0.0]]), torch.tensor([0])) == 0
    assert not math.isnan(calibration_error(torch.full((3, 2), 0.5), torch.tensor([0, 1, 0])))
