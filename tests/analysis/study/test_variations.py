"""The question of variations, asked of small networks whose answer is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

import fiberscope as fs
from digit_studies import bent_study, digit_study, digits
from fiberscope.analysis.records import to_csv, to_json
from fiberscope.analysis.selection import Selection
from fiberscope.analysis.study import variation_measures
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_measures import FREED, measure
from fiberscope.analysis.study.variation_records import image_records
from fiberscope.analysis.study.variations import ask_variations
from fiberscope.data import LabelledImages
from fiberscope.report import Figure, Table
from fiberscope.variations import catalogue, choose
from studies import linear_study

pytestmark = pytest.mark.slow

COLOUR = (3, 32, 20)
NAMES = tuple(variation.name for variation in catalogue((1, 28, 28)))
TURN = choose(catalogue((1, 28, 28)), ["rotation", "blur"])


def colourful() -> Study:
    """An encoder of coloured images that reads no class; one of them is blank, one grey; no label is known."""
    random = torch.Generator().manual_seed(0)
    data, labels = torch.rand(40, *COLOUR, generator=random), torch.arange(40) % 2
    data[labels == 1, :, :10] *= 0.2
    images = torch.stack([torch.zeros(COLOUR), torch.full(COLOUR, 0.4), data[0], data[1]])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(1920, 12), nn.Tanh(), nn.Linear(12, 4))
    return Study(
        "coloured",
        fs.LatentMap(encoder.eval(), COLOUR),
        None,
        Selection(images, ("blank", "grey", "first", "second"), (None,) * 4),
        Selection(data[4:8], ("a", "b", "c", "d"), (0, 1, 0, 1)),
        LabelledImages(data, labels, "noise"),
        None,
        None,
        0,
    )


@pytest.fixture(scope="module")
def study() -> Study:
    return bent_study()


@pytest.fixture(scope="module")
def answer(study):
    return ask_variations(study)


@pytest.fixture(scope="module")
def coloured():
    return ask_variations(colourful())


class TotalBrightness(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1).sum(dim=1, keepdim=True)


def rows_of(answer, name="variations"):
    return json.loads(to_json(answer.records[name]))["rows"]


def test_a_network_of_total_brightness_is_blind_to_shifts_and_they_are_free():
    found = ask_variations(digit_study(TotalBrightness(), images=digits([3, 4, 5])))
    rows = {(row["image"], row["variation"]): row for row in rows_of(found)}
    shift, bright = (rows["test 4", name] for name in ("translation y", "brightness"))
    assert shift["sensitivity"] < 1e-3
    assert shift["free_left"] < 1e-3
    assert shift["latent_low_beyond"]
    assert bright["sensitivity"] > 1
    assert not bright["latent_high_beyond"]
    unseen, minded = found.sections[0].finding.removeprefix("It does not see ").split(" at all, and minds ")
    # All are zero to rounding, which alone orders them.
    assert set(unseen.replace(" and ", ", ").split(", ")) == {
        "translation x",
        "translation y",
        "rotation",
        "shear",
        "blur",
    }
    assert minded.startswith("brightness most")
    assert found.sections[2].finding.startswith("Entirely free, at half the range: translation")


def test_a_blank_image_is_marked_and_spoils_no_other(study, answer):
    rows = [row for row in rows_of(answer) if row["variation"] == "rotation"]
    assert rows[0]["undefined"].startswith("changes nothing")
    assert [row["undefined"] for row in rows[1:]] == ["", "", ""]
    for name in ("sensitivity", "cut", "latent_low", "latent_low_beyond", "class_high", "free_left"):
        assert rows[0][name] is None
        assert rows[1][name] is not None
    total = next(row for row in rows_of(answer, "variations-summary") if row["variation"] == "rotation")
    assert total["images"] == 3
    assert total["free_images"] == 2
    table = answer.sections[1].body[-1]
    assert {row[-1].split(" of ")[1] for row in table.rows if row[0] in ("rotation", "scale")} == {"3"}
    assert any("test 0 (" in part for part in answer.sections[0].body if isinstance(part, str))


def test_what_is_beyond_the_range_stands_at_its_end_and_says_so(answer):
    by_name = {variation.name: variation for variation in catalogue((1, 28, 28))}
    beyond = 0
    for row in rows_of(answer):
        for side in ("low", "high"):
            end = getattr(by_name[row["variation"]], side)
            for kind in ("latent", "class"):
                value, flag = row[f"{kind}_{side}"], row[f"{kind}_{side}_beyond"]
                assert (value is None) == (flag is None)
                if end == 0:
                    assert value is None
                elif flag:
                    beyond += 1
                    assert value == end
                elif value is not None:
                    assert 0 < abs(value) <= abs(end)
    assert beyond > 0


def test_an_encoder_of_coloured_images_that_reads_no_class_is_asked_the_same(coloured):
    assert len(coloured.figures) == 4
    assert all(row["class"] is None and row["class_low"] is None for row in rows_of(coloured))
    assert rows_of(coloured, "variations-by-class") == []
    assert len(coloured.sections[1].body[-1].columns) == 3
    assert "class changes" not in coloured.sections[1].finding
    assert "variations_label" not in coloured.arrays
    assert coloured.arrays["variations_free_points"].shape == (15, FREED, *COLOUR)
    assert coloured.sections[2].body[-1].rows[-1][0] == "another image"


def test_a_grey_image_turns_into_itself_however_it_rounds(coloured):
    rows = {(row["image"], row["variation"]): row for row in rows_of(coloured)}
    assert rows["grey", "rotation"]["free_left"] is None
    assert rows["grey", "rotation"]["latent_low"] is None
    assert rows["grey", "brightness"]["free_left"] is not None
    assert rows["first", "rotation"]["free_left"] is not None


def test_costly_parts_are_taken_of_the_first_images(study, monkeypatch):
    monkeypatch.setattr(variation_measures, "FOLLOWED", 2)
    found = ask_variations(study)
    last = next(row for row in rows_of(found) if row["image"] == "test 3" and row["variation"] == "rotation")
    assert last["sensitivity"] is not None
    for name in ("cut", "latent_low", "class_high", "free_amount", "free_left", "free_outcome"):
        assert last[name] is None
    assert any("first 2 of the digits" in part for part in found.sections[1].body if isinstance(part, str))


def test_one_image_is_counted_as_one():
    found = ask_variations(digit_study(TotalBrightness(), images=digits([3])))
    texts = [part for section in found.sections for part in (section.finding, *section.body)]
    said = " ".join(getattr(part, "caption", part) for part in texts)
    assert "1 digit" not in said
    assert "1 images" not in said
    assert "medians" not in said
    assert "done to the digit, and" in said


def test_classes_are_taken_apart(study, answer):
    rows = rows_of(answer, "variations-by-class")
    for name in NAMES:
        counted = sum(row["images"] for row in rows if row["variation"] == name)
        total = next(row for row in rows_of(answer, "variations-summary") if row["variation"] == name)
        assert counted == total["images"]
    assert {row["class"] for row in rows} == set(study.classes.tolist())


def test_the_answer_names_its_files_as_agreed(answer, coloured):
    for each in (answer, coloured):
        assert all(name.startswith("variations-") and name.endswith(".png") for name in each.figures)
        assert all(name == "variations" or name.startswith("variations-") for name in each.records)
        assert all(name.startswith("variations_") for name in each.arrays)
        for records in each.records.values():
            assert to_csv(records).count(b"\n") == len(records.rows) + 1


def test_every_figure_is_on_the_page_and_every_table_is_a_rectangle(answer, coloured):
    for each in (answer, coloured):
        body = [part for section in each.sections for part in section.body]
        figures = [part for part in body if isinstance(part, Figure)]
        assert {id(figure) for figure in figures} == {id(figure) for figure in each.figures.values()}
        assert all(figure.caption and figure.alt for figure in figures)
        tables = [part for part in body if isinstance(part, Table)]
        assert len(tables) == 4
        for table in tables:
            assert {len(row) for row in table.rows} == {len(table.columns)}


def test_sections_are_questions_with_findings_that_hold_numbers(answer, coloured):
    for each in (answer, coloured):
        assert [section.question[-1] for section in each.sections] == ["?"] * 3
        for section in each.sections:
            assert any(character.isdigit() for character in section.finding)
            assert "not a number" not in section.finding
            assert "a image" not in section.finding


def test_the_records_hold_what_the_arrays_hold(answer):
    rows = rows_of(answer)
    relative = answer.arrays["variations_relative"].T.flatten().tolist()
    assert [row["sensitivity"] for row in rows] == [None if math.isnan(value) else value for value in relative]
    assert len(rows) == 4 * len(NAMES)


def test_the_same_study_gives_the_same_numbers(study, answer):
    again = measure(study)
    assert torch.equal(again.minded.length, answer.arrays["variations_length"])
    assert torch.equal(again.freed.points, answer.arrays["variations_free_points"])
    assert to_csv(image_records(study, again)) == to_csv(answer.records["variations"])


def test_images_at_which_nothing_is_seen_are_no_crash():
    # Black is at the kink of every unit, where no change of class moves the latent.
    weight, there = torch.rand(36, 2, generator=torch.Generator().manual_seed(0)), linear_study(1)
    blind = fs.LatentMap(lambda x: (x.flatten(1) @ weight).relu(), (1, 6, 6), dtype=torch.float32)
    black = Selection(torch.zeros(1, 1, 6, 6), ("black",), (None,))
    found = ask_variations(replace(there, latent_map=blind, images=black))
    assert found.sections[0].finding.startswith("That cannot be said here. ")
    assert "At 1 of 1 images no change of class" in found.sections[0].finding
    assert found.facts == ()
    assert {row["undefined"][:9] for row in rows_of(found)} == {"no change", "changes n"}


def test_images_too_small_for_neighbours_are_asked_what_fits_them():
    found = ask_variations(linear_study(reads=True))
    assert {row["variation"] for row in rows_of(found)} == {"contrast", "brightness", "gamma", "noise"}
    assert len(found.figures) == 4
    counts = {row["class"]: row["images"] for row in rows_of(found, "variations-by-class")}
    assert counts == {0: 2, 1: 1, 2: 1}
