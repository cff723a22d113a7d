import numpy as np
import pytest
import torch

from fiberscope.analysis.choices import NetworkChoice, PairChoice, RunChoice
from fiberscope.analysis.finding import relative
from fiberscope.analysis.nearest import run_nearest
from fiberscope.analysis.pairs import title_of
from fiberscope.analysis.project import run_project
from fiberscope.data import mnist

# A linear map has one nearest image on each fiber: the orthogonal projection, where the box does not bind.
LINEAR = """
import torch

def linear():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 2, bias=False))
    columns = torch.arange(784) % 28
    network[1].weight.data = torch.stack([columns < 14, columns >= 14]).float() / 392
    return network
"""


@pytest.fixture
def network(tmp_path):
    (tmp_path / "networks.py").write_text(LINEAR)
    return NetworkChoice(model=f"{tmp_path / 'networks.py'}:linear", dtype="float64")


@pytest.fixture
def grey(tmp_path):
    """Two images, the second brighter than the first by 0.2 on its left half and 0.1 on its right."""
    images = np.full((2, 28, 28), 0.4)
    images[1, :, :14] += 0.2
    images[1, :, 14:] += 0.1
    np.savez(tmp_path / "grey.npz", images=images)
    return str(tmp_path / "grey.npz")


@pytest.mark.parametrize("move", [run_project, run_nearest])
def test_on_a_linear_map_the_result_is_the_orthogonal_projection(move, network, grey, tmp_path):
    choice = PairChoice(images=(f"{grey}",), targets=(f"{grey}",))
    swapped = PairChoice(images=(grey,), targets=(str(swap(grey, tmp_path)),))
    assert move(choice, network, RunChoice(tmp_path / "same")).num_good == 2
    finding = move(swapped, network, RunChoice(tmp_path / "swapped"))
    with np.load(finding.files[0]) as arrays:
        assert np.abs(arrays["points"] - arrays["targets"]).max() < 1e-9
        assert arrays["distances"] == pytest.approx([28 * (0.2**2 / 2 + 0.1**2 / 2) ** 0.5] * 2)


def swap(archive, folder):
    with np.load(archive) as arrays:
        np.savez(folder / "swapped.npz", images=arrays["images"][::-1])
    return folder / "swapped.npz"


def test_one_target_serves_all_images(tmp_path):
    finding = run_project(PairChoice(images=("0:2",), targets=("3",)), NetworkChoice(), RunChoice(tmp_path / "run"))
    assert [row[1] for row in finding.rows] == ["digit 0, test 3"] * 2


def test_the_default_targets_are_of_other_classes(tmp_path):
    finding = run_project(PairChoice(images=("0:3",)), NetworkChoice(), RunChoice(tmp_path / "run", batch_size=2))
    with np.load(finding.files[0]) as arrays:
        rows = [int(name.removeprefix("test ")) for name in arrays["target_names"]]
        assert torch.equal(torch.from_numpy(arrays["targets"]), mnist("test").images[rows])
    assert not torch.equal(mnist("test").labels[rows], mnist("test").labels[:3])


def test_the_title_claims_what_is_true_of_the_results():
    converged, lost = "converged", "out of steps"
    assert title_of([converged] * 2) == "The network cannot tell the last row from the one above it"
    assert title_of([converged, lost]).startswith("1 of 2 results have the latent of the image above")
    assert title_of([lost]).startswith("No result has the latent")


def test_a_residual_has_no_relative_size_where_the_target_is_zero():
    assert np.isnan(relative(np.array([1.0]), np.zeros((1, 3)))).all()
    assert relative(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])).tolist() == [[0.2, 0.4]]
