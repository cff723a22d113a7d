"""Walks of a linear map are straight; numbers are of all images, points of those in the pictures."""

from dataclasses import replace

import pytest
import torch

from fiberscope import LatentMap
from fiberscope.analysis.study.walks import walk_all
from fiberscope.analysis.study.walks_answer import ask_walks
from studies import SHAPE, linear_study, matrix


@pytest.fixture(scope="module")
def study():
    return linear_study(count=18, reads=True, dtype=torch.float64)


@pytest.fixture(scope="module")
def walks(study):
    return walk_all(study)


def test_walks_are_as_long_as_images_are_apart(study, walks):
    rows, labels = study.data.images.flatten(1), study.data.labels
    apart = torch.cdist(rows, rows)[labels[:, None] != labels].median()
    assert walks.length == pytest.approx(0.5 * float(apart), rel=0.2)
    assert walks.far == pytest.approx(0.8 * float(apart), rel=0.2)


def test_every_walk_keeps_its_latent(walks):
    assert float(walks.toward.residual.max()) < 1e-9
    assert float(walks.corrected.residual.max()) < 1e-9


def test_the_straight_line_of_a_linear_map_does_not_drift_until_the_box_bends_it(walks):
    assert float(walks.straight.residual[1].max()) < 1e-9


def test_numbers_are_of_all_images_and_points_of_the_first_ten(walks):
    assert walks.toward.arc_length.shape == (33, 18)
    assert walks.corrected.arc_length.shape == (21, 4 * 18)
    assert walks.toward.points.shape[1] == 10
    assert walks.corrected.points.shape[1] == 40


def test_points_are_on_the_fiber_of_their_start(study, walks):
    latents = walks.toward.points.flatten(2) @ matrix(dtype=torch.float64).T
    torch.testing.assert_close(latents, latents[:1].expand_as(latents), rtol=1e-9, atol=1e-9)


def test_a_walk_toward_another_image_goes_toward_it(study, walks):
    ends, aims = walks.toward.points[-1].flatten(1), study.aims[:10].flatten(1)
    starts = study.inputs[:10].flatten(1)
    assert ((ends - aims).norm(dim=1) < (starts - aims).norm(dim=1)).all()


def test_the_table_has_a_row_for_each_walk_and_says_where_it_goes(study):
    records = ask_walks(study).records["walks"]
    assert len(records.rows) == 18 + 4 * 18
    column = {name: [row[i] for row in records.rows] for i, name in enumerate(records.columns)}
    assert column["toward"][:18] == list(study.partners.names)
    assert column["toward"][18:22] == ["+1", "-1", "+2", "-2"]
    assert column["image"][18:22] == [study.images.names[0]] * 4
    assert column["straight_residual"][:18] == [None] * 18


def test_a_network_that_reads_no_class_is_not_said_to_read_one():
    answer = ask_walks(linear_study(count=2))
    assert not any("class" in section.finding for section in answer.sections)
    records = answer.records["walks"]
    assert {row[list(records.columns).index("same_class")] for row in records.rows} == {None}


def test_a_straight_line_that_does_not_drift_is_not_said_to():
    still, drifting = (section_of(study) for study in (linear_study(count=2), curved_study()))
    assert still.finding.startswith("For this network yes. After a way of 0.3")
    assert drifting.finding.startswith("No. After a way of 0.3")


def section_of(study):
    return ask_walks(study).sections[1]


def curved_study():
    straight = linear_study(count=2)
    curved = LatentMap(lambda images: straight.latent_map(images.square()), SHAPE, dtype=torch.float32)
    return replace(straight, latent_map=curved)
