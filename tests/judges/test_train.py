"""Judges are trained once each, end in the same bits, and their cards say what was measured."""

import hashlib

import pytest
import torch

from fiberscope.cli.app import INTERRUPTED, run
from fiberscope.data import LabelledImages
from fiberscope.judges import judge_card, load_judge, shipped_panel, train_judges
from fiberscope.problem.errors import FiberscopeError, ModelError


def test_trained_judges_form_a_panel_that_reads_what_they_learnt(trained, few):
    out, cards = trained
    found = shipped_panel(out).opinions(few.images)
    assert found.judges == tuple(card.name for card in cards)
    assert float((found.classes == few.labels).double().mean()) > 0.8


def test_the_same_training_gives_the_same_bits_and_leaves_the_global_generator_alone(trained, few, tmp_path):
    _, cards = trained
    before = torch.random.get_rng_state()
    again = train_judges(few, few, out=tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())
    assert [card.sha256 for card in again] == [card.sha256 for card in cards]


def test_a_finished_judge_is_not_trained_again(trained, few, tmp_path):
    out, cards = trained
    kept = cards[-1].name
    for suffix in ("json", "safetensors"):
        (tmp_path / f"{kept}.{suffix}").write_bytes((out / f"{kept}.{suffix}").read_bytes())
    at_work = set()
    train_judges(few, few, out=tmp_path, on_progress=lambda now: at_work.add(now.judge))
    assert at_work == {card.name for card in cards[:-1]}


def test_cards_hold_what_was_measured_on_what_ships(trained, few):
    out, cards = trained
    for card in cards:
        assert card.sha256 == hashlib.sha256((out / f"{card.name}.safetensors").read_bytes()).hexdigest()
        said = load_judge(card.name, out).probabilities(few.images)
        assert card.test_accuracy == float((said.argmax(dim=1) == few.labels).double().mean())
        assert card.train_data == "few, 220 of 240 images, 20 held back for calibration"


def test_weights_that_do_not_belong_to_their_card_are_refused(trained, tmp_path):
    out, cards = trained
    for path in out.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = tmp_path / f"{cards[0].name}.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match="its SHA-256 is not the one"):
        shipped_panel(tmp_path)
    weights.unlink()
    with pytest.raises(ModelError, match="missing or altered"):
        shipped_panel(tmp_path)
    (tmp_path / f"{cards[0].name}.json").write_text("{}")
    with pytest.raises(ModelError, match="not the card of a judge"):
        judge_card(cards[0].name, tmp_path)


def test_an_unknown_judge_is_refused():
    with pytest.raises(ModelError, match="'jury' is none of strokes"):
        judge_card("jury")


def test_too_few_digits_are_refused(few, tmp_path):
    tiny = LabelledImages(few.images[:20], few.labels[:20], "tiny")
    with pytest.raises(FiberscopeError, match="train has 20 digits"):
        train_judges(tiny, tiny, out=tmp_path)


def test_the_command_trains_and_says_how_good_the_judges_are(trained, few, monkeypatch, capsys):
    out, cards = trained
    monkeypatch.setattr("fiberscope.data.mnist", lambda split, root=None: few)
    assert run(["train", "judges", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("strokes reads ")
    assert lines[-1] == str(out / f"{cards[-1].name}.json")


def test_an_interrupted_command_says_how_to_go_on(few, monkeypatch, tmp_path, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fiberscope.data.mnist", lambda split, root=None: few)
    monkeypatch.setattr("fiberscope.judges.train_judges", interrupt)
    assert run(["train", "judges", "--out", str(tmp_path)]) == INTERRUPTED
    assert "the same command trains the rest" in capsys.readouterr().err
