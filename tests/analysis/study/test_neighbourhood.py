"""The question of neighbourhoods, asked of a small network: every number agrees with a forward pass."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
import torch
from torch import nn

import fiberscope as fs
from fiberscope.analysis.records import to_csv, to_json
from fiberscope.analysis.selection import Selection
from fiberscope.analysis.study import tubes_pictures
from fiberscope.analysis.study.neighbourhood import ask_neighbourhood
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.tubes import GOALS, MIDDLE, RADII, SHARES, approach, grow, straighten, stretch
from fiberscope.data import LabelledImages
from fiberscope.report import Figure, Table

DIGITS = fs.data.mnist("test")
COUNT = 2


def digits(rows: list[int]) -> Selection:
    return Selection(DIGITS.images[rows], tuple(f"test {row}" for row in rows), tuple(DIGITS.labels[rows].tolist()))


def make(encoder: nn.Module) -> Study:
    return Study(
        model="small",
        latent_map=fs.LatentMap(encoder.eval(), (1, 28, 28)),
        logits=None,
        images=digits([0, 1]),
        partners=digits([2, 3]),
        data=LabelledImages(DIGITS.images[:300], DIGITS.labels[:300], "mnist test"),
        panel=None,
        generator=None,
        seed=0,
    )


@pytest.fixture(scope="module")
def study() -> Study:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make(nn.Sequential(nn.Flatten(), nn.Linear(784, 24), nn.Tanh(), nn.Linear(24, 4)))


@pytest.fixture(scope="module")
def linear() -> Study:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make(nn.Sequential(nn.Flatten(), nn.Linear(784, 4)))


@pytest.fixture(scope="module")
def growth(study):
    return grow(study)


@pytest.fixture(scope="module")
def answer(study):
    return ask_neighbourhood(study)


def test_every_boundary_image_lies_within_its_radius(study, growth):
    middle = study.latent_map(study.inputs).detach()
    assert [radius / study.scale.within for radius in growth.radii] == pytest.approx(SHARES)
    for radius, wide, named in zip(growth.radii, growth.widths, growth.named, strict=True):
        for found in (wide.forward, wide.backward, named):
            for points in found.points:
                assert bool(((study.latent_map(points) - middle).norm(dim=1) <= radius).all())
    assert growth.ways == ("rotation", "stroke thickness", "toward a goal", "its unseen part")


def test_of_a_linear_network_the_linear_picture_is_right_once_the_box_is_accounted_for(linear):
    for found in grow(linear).widths:
        assert torch.allclose(found.true, found.linear_in_box, rtol=2e-3)


def test_the_straight_lines_of_a_linear_network_never_leave(linear):
    growth = grow(linear)
    straight = straighten(linear, approach(linear, growth.radii), growth.radii)
    assert len(straight.spokes) == len(straight.edges) == COUNT * GOALS
    assert float(straight.spokes.max()) < 1e-4
    assert float(straight.edges.max()) < 1e-4
    assert float(straight.tube_spokes.max()) <= 1


def test_wider_tubes_come_nearer_to_the_goal(study, growth):
    found = approach(study, growth.radii)
    assert found.left.shape == (1 + len(RADII), COUNT)
    assert bool((found.left.diff(dim=0) <= 1e-6).all())
    latents = study.latent_map(study.inputs).detach()
    for radius, each in zip(growth.radii, found.found[1:], strict=True):
        assert bool(((study.latent_map(each.points) - latents).norm(dim=1) <= radius).all())


def test_extremes_enclose_the_image_itself(study, growth):
    for each in stretch(study, growth.radii[MIDDLE]):
        assert bool((each.found.lowest.value <= each.own + 1e-6).all())
        assert bool((each.found.highest.value >= each.own - 1e-6).all())


def test_the_answer_names_its_files_as_agreed(answer):
    assert all(name.startswith("neighbourhood-") and name.endswith(".png") for name in answer.figures)
    assert all(name.startswith("neighbourhood-") for name in answer.records)
    assert all(name.startswith("neighbourhood_") for name in answer.arrays)
    for records in answer.records.values():
        assert to_csv(records).count(b"\n") == len(records.rows) + 1 > 1
        assert to_json(records)


def test_every_figure_is_on_the_page_and_every_table_is_a_rectangle(answer):
    body = [part for section in answer.sections for part in section.body]
    figures = [part for part in body if isinstance(part, Figure)]
    assert {id(figure) for figure in figures} == {id(figure) for figure in answer.figures.values()}
    for figure in figures:
        assert figure.caption
        assert figure.alt
    for table in (part for part in body if isinstance(part, Table)):
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_sections_are_questions_with_findings_that_hold_numbers(answer):
    assert [section.question[-1] for section in answer.sections] == ["?"] * 4
    for section in answer.sections:
        assert any(character.isdigit() for character in section.finding)
        assert "not a number" not in section.finding


def test_one_image_is_counted_as_one_without_band_and_quartiles(study, monkeypatch):
    notes = []
    draw = tubes_pictures.radius_chart
    monkeypatch.setattr(
        tubes_pictures, "radius_chart", lambda *a, **more: notes.append(more["note"]) or draw(*a, **more)
    )
    alone = ask_neighbourhood(replace(study, images=digits([0]), partners=digits([2])))
    texts = [part for section in alone.sections for part in (section.finding, *section.body)]
    said = " ".join(getattr(part, "caption", part) for part in texts)
    assert "Measured at 1 image;" in said
    assert not re.search(r"\b1 (images|digits|pairs)|quartiles of", said)
    assert notes[0] == "Line: one image. Dashed: what the linear picture says."


def test_the_records_hold_what_the_arrays_hold(answer):
    rows = answer.records["neighbourhood-widths"].rows
    true = answer.arrays["neighbourhood_true"]
    assert len(rows) == true.numel()
    assert sorted(row[3] for row in rows) == pytest.approx(sorted(true.flatten().tolist()))
    ends = {row[-1] for row in answer.records["neighbourhood-ways"].rows}
    assert ends <= {"surface", "box"}
    unseen = [row[4] for row in answer.records["neighbourhood-ways"].rows if row[2] == "its unseen part"]
    assert all(math.isinf(number) for number in unseen)


def test_the_same_study_gives_the_same_numbers(study, growth, answer):
    again = approach(study, growth.radii)
    assert torch.equal(again.left, answer.arrays["neighbourhood_nearest_left"])
