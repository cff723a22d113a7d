"""`fiberscope rows` and `fiberscope compare` as processes, and what they refuse."""

import csv
import io

import numpy as np
import pytest
import torch

from fiberscope import models
from fiberscope.cli.app import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(fiberscope, tmp_path_factory):
    out = tmp_path_factory.mktemp("rows") / "run"
    return fiberscope("rows", "--images", "3,0", "--members", "2", "--out", out), out


@pytest.fixture(scope="module")
def compared(fiberscope, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "run"
    return fiberscope("compare", "mnist-classifier", "mnist-autoencoder", "--images", "0:3", "--out", out), out


def test_rows_have_the_latent_of_their_image(rows):
    process, out = rows
    assert process.returncode == 0, process.stderr
    encoder = models.load("mnist-classifier").encoder
    with np.load(out / "natural.npz") as archive:
        made, targets = (torch.from_numpy(archive[f"natural_{name}"]) for name in ("images", "targets"))
    assert made.shape[:2] == (2, 2)
    with torch.no_grad():
        latents, aims = encoder(made.flatten(0, 1)), encoder(targets).repeat_interleave(2, dim=0)
    assert float(((latents - aims).norm(dim=1) / aims.norm(dim=1)).max()) <= 1e-5


def test_the_page_of_rows_says_when_a_match_is_a_match_and_shows_the_result_without_the_prior(rows):
    page = (rows[1] / "report.html").read_text(encoding="utf-8")
    assert "When is a match a match?" in page
    assert "without a generator" in page.lower() or "without the generator" in page.lower()
    assert rows[0].stdout.splitlines()[-1] == f"Report: {rows[1] / 'report.html'}"


def test_a_comparison_has_a_row_for_each_network_with_spread_and_count(compared):
    process, out = compared
    assert process.returncode == 0, process.stderr
    table = list(csv.DictReader(io.StringIO((out / "comparison.csv").read_text())))
    assert [row["network"] for row in table] == ["mnist-classifier", "mnist-autoencoder"]
    assert {row["pairs"] for row in table} == {"3"}
    assert all(0 < float(row["blindness_lower"]) <= float(row["blindness_upper"]) <= 1 for row in table)
    assert [row["read_right"] for row in table] == ["0.994", ""]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rows", "--members", "1"), "members, mass: expected 2 to 20 members"),
        (("rows", "--mass", "1"), "members, mass: expected 2 to 20 members"),
        (("rows", "--images", "0:11"), "images: found 11, wanted 10 at most"),
        (("compare", "mnist-classifier"), "models: expected at least two"),
        (("compare", "mnist-classifier", "mnist-classifier"), "models: expected at least two, each once"),
        (("compare", "mnist-classifier", "mnist-clasifier-robust"), "Did you mean"),
        (("compare", "mnist-classifier", "mnist-autoencoder", "--judge", "mnist-autoencoder"), "one number for each"),
    ],
    ids=[
        "one member",
        "all the prior",
        "many rows",
        "one network",
        "twice the same",
        "misspelt",
        "judge of no classes",
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_do(arguments, words, tmp_path, capsys):
    assert run([*arguments, "--out", str(tmp_path / "run")]) == 2
    assert words in capsys.readouterr().err
