"""How a run ends that does not end well."""

import json
import signal
import time

import numpy as np
import pytest

from commands import Command
from fiberscope.cli.app import run


def wait_for(path, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


# Dead below a mean brightness that no digit reaches: a digit has no gradient to climb.
DEAD = """
import torch

class Dead(torch.nn.Module):
    def forward(self, images):
        return torch.relu(images.flatten(1).mean(dim=1, keepdim=True) - 0.9)
"""


def test_nothing_converged_is_exit_code_1_with_advice_and_a_result_to_look_at(tmp_path, capsys):
    (tmp_path / "network.py").write_text(DEAD)
    np.savez(tmp_path / "white.npz", images=np.ones((1, 28, 28), np.float32))
    model, white, folder = tmp_path / "network.py:Dead", tmp_path / "white.npz", tmp_path / "run"
    command = ["project", "--images", "0:2", "--targets", str(white), "--model", str(model), "--out", str(folder)]
    assert run(command) == 1
    out = capsys.readouterr().out
    assert "0 of 2 images reached the latent of their target." in out
    assert out.count("rank-deficient: The Jacobian lost rank here (a dead latent)") == 1
    assert "box corner" not in out
    assert (folder / "project.png").exists()
    assert json.loads((folder / "provenance.json").read_text())["finished"] is True


def test_in_float64_a_run_converges_to_twelve_digits(tmp_path):
    folder = tmp_path / "run"
    assert run(["project", "--images", "0", "--rtol", "1e-12", "--dtype", "float64", "--out", str(folder)]) == 0
    with np.load(folder / "project.npz") as arrays:
        assert arrays["points"].dtype == np.float64
        assert arrays["residual_norms"][0] <= 1e-12 * np.linalg.norm(arrays["target_latents"][0])


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run that got Ctrl-C after its first batch: its exit code, its last words and its folder."""
    folder = tmp_path_factory.mktemp("interrupted") / "run"
    process = Command("project", "--images", "0:500", "--batch-size", "2", "--out", folder)
    wait_for(folder / "project.partial.npz")
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    return process.returncode, error, folder


def test_an_interruption_has_its_exit_code_and_no_traceback(interrupted):
    code, error, _ = interrupted
    assert code == 130
    assert "Traceback" not in error


def test_finished_batches_outlive_an_interruption(interrupted):
    _, error, folder = interrupted
    with np.load(folder / "project.partial.npz", allow_pickle=False) as arrays:
        rows = len(arrays["points"])
        assert {len(array) for array in arrays.values()} == {rows}
    assert 0 < rows < 500
    assert rows % 2 == 0
    assert f"interrupted: {rows} of 500 rows were finished and kept in {folder / 'project.partial.npz'}" in error


def test_the_provenance_of_a_partial_result_says_so(interrupted):
    record = json.loads((interrupted[2] / "provenance.json").read_text())
    assert record["finished"] is False
    assert record["files"] == ["project.partial.npz"]


def test_force_replaces_a_partial_result(interrupted):
    folder = interrupted[2]
    assert run(["project", "--images", "0", "--out", str(folder)]) == 2
    assert run(["project", "--images", "0", "--out", str(folder), "--force"]) == 0
    assert sorted(file.name for file in folder.iterdir()) == ["project.npz", "project.png", "provenance.json"]
