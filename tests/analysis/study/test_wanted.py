"""Judges look at images of one latent: verdicts, rates and marks are those of a judge whose answer is known."""

from dataclasses import replace

import pytest
import torch

from fiberscope.analysis.study.pool import draw_pool
from fiberscope.analysis.study.wanted import ask_wanted
from fiberscope.judges import Panel
from studies import Stripes, linear_study


class Undecided(Stripes):
    """Gives every class the same."""

    name = "undecided"

    def probabilities(self, images):
        return torch.full((len(images), 3), 1 / 3)


class Memory:
    """Knows the first image again."""

    def __init__(self, image):
        self.image = image

    def seen(self, images):
        return (images - self.image).flatten(1).norm(dim=1) < 1e-6


@pytest.fixture(scope="module")
def study():
    return replace(linear_study(count=6, reads=True), panel=Panel((Stripes(),)))


@pytest.fixture(scope="module")
def answer(study):
    return ask_wanted(study)


def table(records):
    return [dict(zip(records.columns, row, strict=True)) for row in records.rows]


def test_every_image_of_the_pool_is_on_the_fiber_and_in_the_box(study):
    pool = draw_pool(study)
    latents, aims = study.latent_map(pool.images), study.latent_map(study.inputs)[pool.of]
    assert float(((latents - aims).norm(dim=1) / aims.norm(dim=1)).max()) <= 1.1e-5
    assert float(pool.images.min()) >= 0
    assert float(pool.images.max()) <= 1
    assert torch.allclose(pool.distance, (pool.images - study.inputs[pool.of]).flatten(1).norm(dim=1))
    assert set(pool.of.tolist()) == set(range(6))


def test_a_verdict_is_whether_the_judge_sees_the_class_of_the_network(study, answer):
    pool = draw_pool(study)
    judged = Stripes().probabilities(pool.images).argmax(dim=1)
    wanted = ["wanted" if same else "collision" for same in (judged == study.classes[pool.of]).tolist()]
    assert [row["verdict"] for row in table(answer.records["wanted"])] == wanted
    assert {"wanted", "collision"} <= set(wanted)


def test_rates_by_distance_count_every_image_once(answer):
    rows, bins = table(answer.records["wanted"]), table(answer.records["collision-rates"])
    assert sum(each["images"] for each in bins) == len(rows)
    for each in bins[:-1]:
        inside = [row for row in rows if each["lower"] <= row["distance"] < each["upper"]]
        assert each["images"] == len(inside)
        assert each["collisions"] == sum(row["verdict"] == "collision" for row in inside)


def test_the_finding_gives_the_shares_of_the_three_verdicts(answer):
    (section,) = answer.sections
    assert section.question == "Is that wanted?"
    assert section.finding.count("%") == 3
    assert "worst-collisions.png" in answer.figures


def test_judges_that_cannot_decide_leave_no_collision_and_no_picture_of_one(study):
    answer = ask_wanted(replace(study, panel=Panel((Undecided(),))))
    assert {row["verdict"] for row in table(answer.records["wanted"])} == {"unsure"}
    assert "worst-collisions.png" not in answer.figures
    assert "The nearest collision" not in answer.sections[0].finding


def test_an_image_that_a_judge_was_trained_on_is_marked(study):
    panel = Panel((Stripes(),), memories=(Memory(study.images.images[:1]),))
    answer = ask_wanted(replace(study, panel=panel))
    marked = {row["image"] for row in table(answer.records["wanted"]) if row["seen_in_training"]}
    assert marked == {study.images.names[0]}
    assert "1 of the 6 images under study" in answer.sections[0].body[0]


def test_without_judges_or_classes_it_says_what_to_bring(study):
    for unasked, why in (
        (linear_study(), "no judges"),
        (replace(linear_study(), panel=study.panel), "no class is known"),
    ):
        (section,) = ask_wanted(unasked).sections
        assert why in section.finding
        assert "--judge" in section.body[0]


def test_the_answer_follows_from_the_shares(study):
    undecided = ask_wanted(replace(study, panel=Panel((Undecided(),)))).sections[0]
    assert undecided.finding.startswith("Judges mostly cannot say.")
    assert ask_wanted(study).sections[0].finding.startswith(("Mostly", "As far as"))


def test_a_network_that_reads_no_class_is_not_said_to_read_one(study):
    labelled = study.images._replace(labels=tuple(study.classes.tolist()))
    answer = ask_wanted(replace(study, logits=None, images=labelled))
    assert "the class that the label gives" in answer.sections[0].finding
    assert "network reads" not in answer.sections[0].finding
    assert answer.records["wanted"].columns["class"].startswith("the class that the label gives")
