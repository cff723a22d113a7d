import numpy as np
import pytest
import torch

from fiberscope import models
from fiberscope.analysis.choices import NetworkChoice, RunChoice, SpectrumChoice, WalkChoice
from fiberscope.analysis.spectrum import run_spectrum
from fiberscope.analysis.walk import run_walk
from fiberscope.data import mnist
from fiberscope.geometry.jacobian import jacobian
from fiberscope.problem import LatentMap


@pytest.fixture(scope="module")
def latent_map():
    return LatentMap(models.load("mnist-classifier").encoder, (1, 28, 28))


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    """Two walks from each of three images, in batches of two images and of one."""
    choice = WalkChoice(images=("0:3",), basis="smooth", directions=2, length=0.8, steps=4)
    folder = tmp_path_factory.mktemp("walks") / "run"
    finding = run_walk(choice, NetworkChoice(), RunChoice(folder, batch_size=2))
    with np.load(folder / "walk.npz") as arrays:
        return finding, dict(arrays)


def test_every_image_is_walked_from_in_every_direction(walks):
    finding, arrays = walks
    sources = torch.from_numpy(arrays["sources"])
    assert torch.equal(sources, mnist("test").images[[0, 0, 1, 1, 2, 2]])
    assert arrays["direction_numbers"].tolist() == [1, 2] * 3
    assert [row[1] for row in finding.rows] == ["1", "2"] * 3
    assert [row[0] for row in finding.rows[::2]] == ["digit 7, test 0", "digit 2, test 1", "digit 1, test 2"]


def test_each_direction_is_invisible_at_the_image_that_it_starts_from(walks, latent_map):
    _, arrays = walks
    jacobians = jacobian(latent_map, torch.from_numpy(arrays["sources"]))
    directions = torch.from_numpy(arrays["directions"]).flatten(1)[:, :, None]
    assert float((jacobians @ directions).abs().max()) < 1e-4


def test_walks_start_at_their_images_and_go_as_far_as_they_say(walks):
    _, arrays = walks
    assert np.array_equal(arrays["points"][:, 0], arrays["sources"])
    ends = np.linalg.norm((arrays["points"][:, -1] - arrays["sources"]).reshape(6, -1), axis=1)
    assert ends == pytest.approx(arrays["distances"], rel=1e-5)
    assert (ends <= arrays["arc_lengths"][:, -1] * 1.0001).all()
    assert arrays["arc_lengths"][:, -1] == pytest.approx(np.full(6, 0.8), rel=0.05)


def test_a_straight_line_leaves_the_fiber_that_a_walk_stays_on(walks):
    _, arrays = walks
    assert (arrays["residual_norms"] <= arrays["tolerances"][:, None]).all()
    assert (arrays["straight_residual_norms"][:, -1] > 100 * arrays["tolerances"]).all()


def test_a_spectrum_is_that_of_the_jacobian_and_its_shares_lie_between_none_and_all(latent_map, tmp_path):
    choice = SpectrumChoice(images=("0:3",), reference=("0:100",))
    finding = run_spectrum(choice, NetworkChoice(), RunChoice(tmp_path / "run", batch_size=2))
    with np.load(finding.files[0]) as arrays:
        values = torch.linalg.svdvals(jacobian(latent_map, mnist("test").images[:3]))
        assert torch.allclose(torch.from_numpy(arrays["singular_values"]), values, rtol=1e-4)
        assert ((arrays["invisible_shares"] > 0) & (arrays["invisible_shares"] < 1)).all()
        assert (arrays["unseen_shares"].sum(axis=1) <= arrays["invisible_shares"] + 1e-5).all()
        assert (arrays["unseen_directions"].sum(axis=(2, 3, 4)) >= 0).all()
    assert "Of 784 directions in pixels the network sees 8" in finding.summary
