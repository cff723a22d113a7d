"""Rows of digits that share a latent: what stands under each picture is what a fresh forward pass finds."""

import pytest
import torch

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.selection import select
from fiberscope.analysis.study.natural import ask_natural
from fiberscope.analysis.study.open_study import open_study
from fiberscope.problem import FiberscopeError
from studies import linear_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study():
    return open_study(NetworkChoice(), select(("0,1",), shape=(1, 28, 28)), seed=0)[0]


@pytest.fixture(scope="module")
def answer(study):
    return ask_natural(study, members=3, most_rows=2, num_steps=8)


def test_records_hold_the_residual_and_the_distance_of_every_member(study, answer):
    images = answer.arrays["natural_images"]
    aims = study.latent_map(study.inputs)[:, None]
    latents = study.latent_map(images.flatten(0, 1)).view(2, 3, -1)
    residual = ((latents - aims).norm(dim=2) / aims.norm(dim=2)).flatten()
    distance = (images - study.inputs[:, None]).flatten(2).norm(dim=2).flatten()
    columns = list(answer.records["rows"].columns)
    rows = answer.records["rows"].rows
    assert [row[columns.index("residual")] for row in rows] == pytest.approx(residual.tolist(), abs=2e-6)
    assert [row[columns.index("from_target")] for row in rows] == pytest.approx(distance.tolist(), abs=1e-4)
    assert float(residual.max()) <= 1e-5


def test_the_result_without_the_prior_stands_beside(answer):
    assert {"rows.png", "rows-without-prior.png"} <= set(answer.figures)
    free = answer.arrays["natural_free_images"]
    made = answer.arrays["natural_images"]
    assert float((free.diff(dim=-1).abs()).mean()) > 3 * float(made.diff(dim=-1).abs().mean())  # noise is rough
    assert "generator" in answer.figures["rows-without-prior.png"].caption


def test_walks_and_farthest_images_keep_the_latent(study, answer):
    aims = study.latent_map(study.inputs)
    for name, rows in (("natural_walk_images", 1), ("natural_farthest", 0)):
        images = answer.arrays[name].movedim(rows, 0)
        latents = torch.unflatten(study.latent_map(images.flatten(0, 1)), 0, images.shape[:2])
        residual = (latents - aims[:, None]).norm(dim=2) / aims[:, None].norm(dim=2)
        assert float(residual.max()) <= 1.1e-5


def test_the_farthest_image_of_a_row_is_farther_than_its_members(answer):
    made, far = answer.arrays["natural_images"], answer.arrays["natural_farthest"][:, 0]
    among = (made[:, 1:] - made[:, :1]).flatten(2).norm(dim=2).amax(dim=1)
    assert bool(((far - made[:, 0]).flatten(1).norm(dim=1) > 0.95 * among).all())


def test_judges_say_in_how_many_they_see_the_class_of_the_first(answer):
    assert "Judges see the class of the first in" in answer.sections[0].finding


def test_without_a_generator_it_says_what_to_bring():
    (section,) = ask_natural(linear_study()).sections
    assert "No generator" in section.finding
    assert "compose" in section.body[0]


def test_a_row_of_one_is_refused(study):
    with pytest.raises(FiberscopeError, match="members: expected at least two"):
        ask_natural(study, members=1)


def test_of_rows_that_miss_their_latent_nothing_is_claimed():
    """The third digit's latent of the autoencoder is out of the generator's reach, the others leave little freedom."""
    study = open_study(NetworkChoice(model="mnist-autoencoder"), select(("0,2",), shape=(1, 28, 28)), seed=0)[0]
    answer = ask_natural(study, members=2, num_steps=4)
    arrived = answer.arrays["natural_residual"] <= 1e-5
    assert arrived.tolist() == [[True, True], [False, False]]
    (section,) = answer.sections
    assert section.finding.startswith("2 of 4 images reached the latent")
    assert "hardly more than one digit a latent" in section.finding
    assert answer.arrays["natural_farthest"].shape[0] == 1
    outcome = list(answer.records["rows"].columns).index("outcome")
    assert [row[outcome] == "converged" for row in answer.records["rows"].rows] == arrived.flatten().tolist()
