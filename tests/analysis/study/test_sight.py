"""Row space and null space of a linear map are those of its matrix."""

import pytest
import torch

from fiberscope.analysis.study.sight_answer import ask_sight
from studies import LATENT_SIZE, linear_study, matrix


@pytest.fixture(scope="module")
def study():
    return linear_study(count=20, dtype=torch.float64)


def test_singular_values_are_those_of_the_matrix_at_every_image(study):
    wanted = torch.linalg.svdvals(matrix(dtype=torch.float64))
    torch.testing.assert_close(study.sight.singular_values, wanted.expand(20, -1))
    assert study.sight.rank.tolist() == [LATENT_SIZE] * 20


def test_unseen_directions_leave_the_latent_as_it_is(study):
    moved = study.sight.unseen @ matrix(dtype=torch.float64).T
    assert moved.abs().max() < 1e-12


def test_unseen_directions_are_the_principal_axes_of_what_is_hidden(study):
    rows = study.data.images.flatten(1).double()
    covariance = torch.cov(rows.T)
    seen = torch.linalg.svd(matrix(dtype=torch.float64), full_matrices=False).Vh
    hide = torch.eye(36, dtype=torch.float64) - seen.T @ seen
    values = torch.linalg.eigvalsh(hide @ covariance @ hide).flip(0)
    torch.testing.assert_close(study.sight.unseen_shares[0], values[:4] / covariance.trace(), rtol=1e-6, atol=0)
    share = torch.trace(hide @ covariance @ hide) / covariance.trace()
    torch.testing.assert_close(study.sight.invisible_share, share.expand(20), rtol=1e-6, atol=0)


def test_directions_are_turned_so_as_to_add_ink(study):
    assert (study.sight.unseen.sum(dim=2) >= 0).all()


def test_tables_hold_every_image_and_pictures_the_first_ten(study):
    answer = ask_sight(study)
    assert len(answer.records["sight"].rows) == 20
    assert len(answer.arrays["sight_singular_values"]) == 20
    assert len(answer.arrays["sight_row_basis"]) == 10
    assert all("first 10 of 20" in figure.caption for figure in answer.figures.values())


def test_a_map_with_few_hidden_directions_shows_those_there_are():
    study = linear_study()
    few = study.sight
    assert few.unseen.shape[1] == 4
    narrow = linear_study(count=2)
    object.__setattr__(narrow.data, "images", narrow.data.images[:3])
    assert narrow.sight.unseen.shape[1] == 2  # three images vary in two directions


@pytest.mark.parametrize("reads", [True, False])
def test_the_finding_says_how_many_directions_are_seen(reads):
    section = ask_sight(linear_study(reads=reads)).sections[0]
    assert section.question == "What does this network not see?"
    assert section.finding.startswith("Around each image it sees 3 of 36 directions. The other 33")
