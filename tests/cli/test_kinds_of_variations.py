"""`--variations faces` as a process: every command that varies images varies them as faces, or refuses at the door."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from small_faces import SHAPE, small_faces
from studies import write_study

NETWORK = """
import torch

def of(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(64, 3, bias=False))

def one():
    return of(0)

def other():
    return of(1)
"""
SIDES = [str(side) for side in SHAPE]


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    """A network, faces and labelled faces, as files."""
    folder, faces = tmp_path_factory.mktemp("brought"), small_faces(3, 4)
    (folder / "network.py").write_text(NETWORK)
    np.savez(folder / "images.npz", images=faces.images[:2].numpy())
    np.savez(folder / "labelled.npz", images=faces.images.numpy(), labels=faces.labels.numpy())
    return folder


def names_in(table):
    with table.open() as file:
        return {row["variation"] for row in csv.DictReader(file)}


def test_a_study_of_faces_varies_light_and_pose(fiberscope, brought, tmp_path):
    options = ["--images", brought / "images.npz", "--labelled", brought / "labelled.npz", "--input-shape", *SIDES]
    model = ["--model", f"{brought / 'network.py'}:one"]
    asked = ["--only", "variations,neighbourhood", "--variations", "faces", "--out", tmp_path / "run"]
    done = fiberscope("analyse", *model, *options, *asked)
    assert done.returncode == 0, done.stderr
    found = names_in(tmp_path / "run" / "variations-summary.csv")
    assert {"yaw", "pitch", "light azimuth", "dark glasses"} <= found
    assert "stroke thickness" not in found
    assert "generic head" in (tmp_path / "run" / "report.html").read_text()


def test_a_survey_of_faces_measures_and_shows_light_and_pose(fiberscope, brought, tmp_path):
    model = ["--model", f"{brought / 'network.py'}:one", "--input-shape", *SIDES]
    asked = ["--data", brought / "labelled.npz", "--measures", "variations,ranges", "--variations", "faces"]
    done = fiberscope("survey", "run", *model, *asked, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    again = fiberscope("survey", "resume", "--out", tmp_path / "run")
    assert again.returncode == 0, again.stderr
    assert fiberscope("survey", "export", "--format", "csv", "--out", tmp_path / "run").returncode == 0
    header = (tmp_path / "run" / "records.csv").read_text().partition("\n")[0]
    assert "sensitivity_yaw" in header
    assert "range_light_azimuth_high" in header
    assert fiberscope("survey", "summary", "--out", tmp_path / "run").returncode == 0
    assert "light azimuth" in (tmp_path / "run" / "report.html").read_text()


def test_images_too_small_for_faces_are_refused_before_anything_is_computed(fiberscope, tmp_path):
    done = fiberscope("analyse", *write_study(tmp_path), "--variations", "faces", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "variations: those of faces do not fit images of shape (1, 6, 6)" in done.stderr
    assert not (tmp_path / "run" / "report.html").exists()
