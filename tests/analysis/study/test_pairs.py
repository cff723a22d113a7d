"""Metamers of a linear map are projections; what the page says of them is true."""

import pytest
import torch

from fiberscope.analysis.study.match import ask_match
from fiberscope.analysis.study.null_distances import measure_null
from fiberscope.analysis.study.pairs import ask_pairs
from fiberscope.analysis.study.reading import relative_distance
from fiberscope.moves import Outcome
from studies import linear_study, matrix


@pytest.fixture(scope="module")
def study():
    return linear_study(count=20, dtype=torch.float64)


def test_the_nearest_image_on_the_fiber_of_a_linear_map_is_the_orthogonal_projection(study):
    rows, aims = study.inputs.flatten(1), study.aims.flatten(1)
    a = matrix(dtype=torch.float64)
    wanted = rows + (aims - rows) @ a.T @ torch.linalg.pinv(a).T
    metamers = study.metamers
    assert metamers.outcome == (Outcome.CONVERGED,) * 20
    torch.testing.assert_close(metamers.points.flatten(1), wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(metamers.blindness, (wanted - rows).norm(dim=1) / (aims - rows).norm(dim=1))


def test_images_beyond_the_first_batch_are_searched_as_if_alone(study):
    last = linear_study(count=20, dtype=torch.float64)
    alone = last.images.take([19]), last.partners.take([19])
    object.__setattr__(last, "images", alone[0])
    object.__setattr__(last, "partners", alone[1])
    torch.testing.assert_close(last.metamers.points[0], study.metamers.points[19])


def test_every_pair_has_a_row_with_what_a_fresh_pass_says(study):
    records = ask_pairs(study).records["pairs"]
    column = {name: [row[i] for row in records.rows] for i, name in enumerate(records.columns)}
    latents = study.metamers.points.flatten(1) @ matrix(dtype=torch.float64).T
    wanted = relative_distance(latents, study.aims.flatten(1) @ matrix(dtype=torch.float64).T)
    assert column["residual"] == pytest.approx(wanted.tolist(), abs=1e-12)
    assert column["image"] == list(study.images.names)
    assert column["read_as"] == [None] * 20
    assert column["outcome"] == ["converged"] * 20


def test_residuals_are_measured_on_the_finished_images():
    study = linear_study()
    points, aims = (study.latent_map(images) for images in (study.metamers.points, study.aims))
    wanted = (points - aims).norm(dim=1) / aims.norm(dim=1)
    assert float(wanted.max()) > 0  # in float32 some rounding is left
    assert torch.equal(study.metamers.residual, wanted)


def test_a_network_that_reads_no_class_is_not_said_to_read_one(study):
    (section,) = ask_pairs(study).sections
    table = section.body[-1]
    assert "read as" not in table.columns
    assert "reads it as" not in section.body[1].caption


def test_a_network_that_reads_classes_is_said_which():
    (section,) = ask_pairs(linear_study(reads=True)).sections
    table = section.body[-1]
    assert {row[table.columns.index("read as")] for row in table.rows} <= {"0", "1", "2"}


def test_random_pairs_are_of_the_kind_they_say(study):
    null, labels = measure_null(study), study.data.labels
    assert len(null.same_class) == len(labels) - 3  # one pair fewer than images in each class
    assert 0.4 < len(null.other_class) / len(labels) < 0.9  # two of three random pairs differ in class
    assert len(null.grey_level) == len(labels)


def test_a_map_in_float64_has_nothing_finer_to_be_compared_with(study):
    assert measure_null(study).rounding is None
    assert "scale_rounding" not in ask_match(study).arrays


def test_one_grey_level_moves_a_linear_latent_as_its_matrix_says(study):
    null, a = measure_null(study), matrix(dtype=torch.float64)
    sizes = (study.data.images.flatten(1).double() @ a.T).norm(dim=1)
    # Signs are random, so the mean square of the move is that of the matrix's entries.
    expected = float(a.norm()) / 255 / float(sizes.median())
    assert float(null.grey_level.median()) == pytest.approx(expected, rel=0.25)


def test_the_null_distribution_does_not_depend_on_what_was_asked_before(study):
    first = measure_null(study)
    ask_pairs(study)
    assert torch.equal(measure_null(study).grey_level, first.grey_level)


def test_a_match_is_said_to_be_one_by_its_worst_residual(study):
    (section,) = ask_match(study).sections
    assert section.question == "When is a match a match?"
    assert section.body[-1].rows[0][0] == "two images of different classes"
    assert section.body[-1].rows[3][1] == 20


def test_where_no_search_ends_on_the_fiber_the_page_says_no():
    study = linear_study()
    found = study.metamers._replace(outcome=(Outcome.UNREACHABLE,) * 4)
    study.__dict__["metamers"] = found
    assert ask_pairs(study).sections[0].finding.startswith("No search ended")
    assert ask_match(study).sections[0].finding.startswith("No search ended")
