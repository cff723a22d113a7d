import os
import subprocess
import sys

import pytest

from commands import ONE_THREAD
from fiberscope.cli.app import run

RUN = ("project", "--images", "0:2")
FILES = ("project.npz", "project.png")


@pytest.fixture(scope="module")
def first(fiberscope, tmp_path_factory):
    folder = tmp_path_factory.mktemp("first") / "run"
    assert fiberscope(*RUN, "--out", folder).returncode == 0
    return folder


def test_the_same_seed_gives_the_same_bytes(first, tmp_path):
    """Also where nothing was imported before: in a process that begins with Python."""
    command = [sys.executable, "-m", "fiberscope", *RUN, "--out", str(tmp_path / "run")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **ONE_THREAD})
    assert all((tmp_path / "run" / file).read_bytes() == (first / file).read_bytes() for file in FILES)


def test_another_seed_gives_other_pictures(first, tmp_path):
    assert run([*RUN, "--out", str(tmp_path / "run"), "--seed", "1"]) == 0
    assert all((tmp_path / "run" / file).read_bytes() != (first / file).read_bytes() for file in FILES)


def test_a_result_is_not_overwritten_unasked(first, fiberscope):
    before = (first / "project.npz").read_bytes()
    refused = fiberscope(*RUN, "--out", first, "--seed", "1")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith(f"error: out: folder {first} already holds project.npz")
    assert refused.stderr.count("\n") == 1
    assert (first / "project.npz").read_bytes() == before


def test_force_replaces_a_result_of_another_kind_and_leaves_no_file_of_it(tmp_path):
    folder = tmp_path / "run"
    assert run(["spectrum", "--images", "0", "--reference", "0:20", "--out", str(folder)]) == 0
    (folder / "notes.txt").write_text("mine")
    assert run(["project", "--images", "0", "--out", str(folder), "--force"]) == 0
    assert sorted(file.name for file in folder.iterdir()) == ["notes.txt", *FILES, "provenance.json"]
