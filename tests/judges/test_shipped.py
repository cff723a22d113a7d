"""The panel that ships: small, quick, good on digits, calibrated, blind to what people look past."""

import hashlib
import json
import time
from pathlib import Path

import pytest
import torch

import fiberscope.judges
from fiberscope.data import mnist
from fiberscope.judges import Verdict, judge_card, shipped_panel
from fiberscope.problem.errors import FiberscopeError

SHIPPED = Path(fiberscope.judges.__file__).parent / "shipped"


def test_what_ships_is_small_and_safe_to_load():
    files = sorted(SHIPPED.iterdir())
    assert {file.suffix for file in files} == {".json", ".safetensors"}
    assert sum(file.stat().st_size for file in files) < 6e6


def test_every_judge_has_a_card_that_names_its_weights(panel):
    for judge in panel.judges:
        card = judge_card(judge.name)
        assert card.sha256 == hashlib.sha256((SHIPPED / f"{judge.name}.safetensors").read_bytes()).hexdigest()
        assert card.command == "fiberscope train judges"
        assert json.loads((SHIPPED / f"{judge.name}.json").read_text())["train_data"].startswith("mnist-train")


def test_loading_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    shipped_panel()
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_hundred_images_are_judged_in_three_seconds(panel, digits):
    panel.opinions(digits.images[:10])
    started = time.process_time()
    panel.opinions(digits.images[:100])
    assert time.process_time() - started < 3


def test_judges_are_as_good_and_as_honest_as_their_cards_say(panel, digits):
    images, labels = digits.images[:2000], digits.labels[:2000]
    found = panel.opinions(images)
    for name, said in zip(found.judges, found.per_judge, strict=True):
        card = judge_card(name)
        assert card.test_accuracy > 0.97
        assert card.calibration_error < 0.01
        accuracy = float((said.argmax(dim=1) == labels).double().mean())
        assert accuracy == pytest.approx(card.test_accuracy, abs=0.012)  # 2,000 of the 10,000
        assert float(said.amax(dim=1).mean()) == pytest.approx(accuracy, abs=0.02)


def test_the_panel_reads_digits_and_is_seldom_unsure_of_them(panel, digits):
    images, labels = digits.images[2000:3000], digits.labels[2000:3000]
    found = panel.opinions(images)
    assert float((found.classes == labels).double().mean()) > 0.98
    assert float((found.classes == labels)[found.sure].double().mean()) > 0.99
    assert float(found.sure.double().mean()) > 0.95


def test_a_grey_digit_is_the_digit(panel, digits):
    images, labels = digits.images[:300], digits.labels[:300]
    assert float((panel.opinions(0.4 * images).classes == labels).double().mean()) > 0.97


def test_specks_do_not_change_what_is_written(panel, digits):
    generator = torch.Generator().manual_seed(0)
    images, labels = digits.images[:300], digits.labels[:300]
    struck = torch.rand(images.shape, generator=generator) < 0.02
    specked = torch.where(struck, torch.rand(images.shape, generator=generator), images)
    assert float((panel.opinions(specked).classes == labels).double().mean()) > 0.93


def test_noise_and_blank_paper_leave_the_panel_unsure(panel):
    noise = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert float(panel.opinions(noise).sure.double().mean()) < 0.2
    assert panel.verdicts(torch.zeros(1, 28, 28), torch.tensor([3])) == (Verdict.UNSURE,)


def test_a_network_of_other_classes_is_refused(panel, digits):
    with pytest.raises(FiberscopeError, match="the judges know 10 classes"):
        panel.verdicts(digits.images[:2], torch.tensor([3, 10]))


def test_test_digits_are_not_taken_for_training_digits(panel, digits):
    assert int(panel.seen(digits.images[:500]).sum()) <= 5


def test_training_digits_are_known_again():
    try:
        train = mnist("train")
    except FiberscopeError:
        pytest.skip("needs the training digits")
    panel, images = shipped_panel(), train.images[:200]
    assert bool(panel.seen(images).all())
    nearly = images + 0.02 * torch.rand(images.shape, generator=torch.Generator().manual_seed(0))
    assert float(panel.seen(nearly.clamp(0, 1)).double().mean()) > 0.9
