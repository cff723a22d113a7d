import json

import numpy as np
import pytest
import torch
from PIL import Image

from fiberscope import models
from fiberscope.data import mnist

RUNS = {
    "spectrum": ("--images", "0:2"),
    "walk": ("--images", "0", "--directions", "2", "--length", "1.5", "--steps", "4"),
    "nearest": ("--images", "2", "--targets", "4"),
    "project": ("--images", "0:2", "3"),
}
PICTURES = {
    "spectrum": ["spectrum.png", "share.png", "directions.png"],
    "walk": ["walk.png", "drift.png"],
    "nearest": ["nearest.png"],
    "project": ["project.png"],
}


@pytest.fixture(scope="module", params=RUNS)
def ended(request, fiberscope, tmp_path_factory):
    """A run that has ended: its name, its process and its folder."""
    folder = tmp_path_factory.mktemp(request.param) / "run"
    return request.param, fiberscope(request.param, *RUNS[request.param], "--out", folder), folder


@pytest.fixture(scope="module")
def arrays(ended):
    name, _, folder = ended
    with np.load(folder / f"{name}.npz", allow_pickle=False) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def encoder():
    return models.load("mnist-classifier").encoder


def test_a_run_ends_well_and_says_which_files_it_wrote(ended):
    name, process, folder = ended
    assert process.returncode == 0, process.stderr
    wanted = [f"{name}.npz", *PICTURES[name], "provenance.json"]
    assert process.stdout.splitlines()[-len(wanted) :] == [str(folder / file) for file in wanted]
    assert sorted(file.name for file in folder.iterdir()) == sorted(wanted)


def test_pictures_are_pictures(ended):
    name, _, folder = ended
    for file in PICTURES[name]:
        with Image.open(folder / file) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 200


def test_a_pipe_gets_a_plain_table_with_a_row_for_each_outcome(ended, arrays):
    _, process, _ = ended
    assert process.stderr == ""
    assert process.stdout.isascii()
    assert "\x1b" not in process.stdout
    rows = process.stdout.split("\n\n")[0].splitlines()
    assert len(rows) == 1 + len(arrays["outcomes"])
    assert all(outcome in row for row, outcome in zip(rows[1:], arrays["outcomes"], strict=True))


def test_sources_are_the_named_digits_and_everything_stays_in_the_box(ended, arrays):
    name, _, _ = ended
    first = {"spectrum": 0, "walk": 0, "nearest": 2, "project": 0}[name]
    assert np.array_equal(arrays["sources"][0], mnist("test").images[first].numpy())
    for images in (arrays["sources"], arrays.get("points", arrays["sources"])):
        assert images.min() >= 0
        assert images.max() <= 1


def test_targets_are_latents_by_a_forward_pass_that_shares_nothing_with_the_run(ended, arrays, encoder):
    images = torch.from_numpy(arrays.get("targets", arrays["sources"]))
    assert torch.allclose(encoder(images), torch.from_numpy(arrays["target_latents"]), atol=1e-4)


@pytest.mark.parametrize("ended", ["walk", "nearest", "project"], indirect=True)
def test_residuals_are_those_of_a_forward_pass_that_shares_nothing_with_the_run(ended, arrays, encoder):
    targets = torch.from_numpy(arrays["target_latents"])
    steps = arrays["points"].shape[1] if ended[0] == "walk" else 1
    points = torch.from_numpy(arrays["points"]).reshape(-1, 1, 28, 28)
    residuals = (encoder(points) - targets.repeat_interleave(steps, dim=0)).norm(dim=1)
    told = torch.from_numpy(arrays["residual_norms"]).flatten()
    tolerances = torch.from_numpy(arrays["tolerances"]).repeat_interleave(steps)
    assert bool((residuals <= tolerances).all())
    assert torch.allclose(residuals, told, atol=float(tolerances.max()))


def test_tables_hold_words_not_pickles(arrays):
    assert arrays["outcomes"].dtype.kind == "U"
    assert arrays["source_names"].dtype.kind == "U"


def test_the_provenance_repeats_the_run(ended):
    name, _, folder = ended
    record = json.loads((folder / "provenance.json").read_text())
    assert record["command"] == " ".join(["fiberscope", name, *RUNS[name], "--out", str(folder)])
    assert record["finished"] is True
    assert record["settings"]["network"]["layer"] == "encoder"
    assert record["settings"]["network"]["weights_sha256"] == models.card("mnist-classifier").sha256
    assert record["files"] == [f"{name}.npz", *PICTURES[name]]
    assert all(record["seconds"][step] > 0 for step in ("open network", "explore", "draw"))
