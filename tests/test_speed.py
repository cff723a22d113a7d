"""The benchmark harness measures what it says and runs, and the README shows what it wrote. No figure is asserted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from benchmarks.speed import networks, recipes
from benchmarks.speed.machine import machine
from benchmarks.speed.race import Trace, cost, follow, residual_at
from benchmarks.speed.timing import Contestant, ratios, side_by_side, spread

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def trace(*looks: tuple[float, list[float]]) -> Trace:
    return Trace([seconds for seconds, _ in looks], [torch.tensor(each) for _, each in looks], len(looks[0][1]))


def test_the_readme_shows_the_table_that_was_written():
    shown = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- speed:begin -->\n")[2]
    table = (ROOT / "benchmarks" / "results" / "speed.md").read_text(encoding="utf-8")
    assert shown.partition("<!-- speed:end -->")[0].endswith(table), "run: python -m benchmarks.speed --report-only"


def test_lost_images_cost_those_that_arrive():
    found = cost([trace((1.0, [1e-6])), trace((2.0, [1e-6])), trace((9.0, [0.1]))])
    # Given up after 2 seconds: 1 + 2 + 2 over two arrivals; after 1 second too few arrive.
    assert found.seconds == pytest.approx(2.5)
    assert found.share == pytest.approx(2 / 3)
    assert found.given_up_after == 2.0


def test_a_search_that_loses_most_images_never_gets_there():
    assert cost([trace((1.0, [1e-6])), trace((9.0, [0.1])), trace((9.0, [0.1]))]).seconds == math.inf


def test_a_batch_is_given_up_as_a_whole():
    found = cost([trace((1.0, [0.1, 1e-6, 1e-6]), (8.0, [1e-6, 1e-6, 1e-6]))])
    assert found.seconds == pytest.approx(0.5)
    assert found.share == 1.0


def test_residuals_are_those_of_the_last_look_before_the_time_is_up():
    found = [trace((1.0, [0.5]), (2.0, [0.25]))]
    assert [residual_at(found, seconds) for seconds in (0.5, 1.5, 2.0)] == [1.0, 0.5, 0.25]


def test_a_search_ends_on_the_fiber_and_is_judged_inside_the_box():
    network = networks.load("ReLU, latent")
    pairs = networks.pairs_of_digits(network, 2)
    # Digits are 0 or 1 at many pixels: pushed out there, they are themselves again once clamped.
    outside = torch.where(pairs.others == 1, 1.5, torch.where(pairs.others == 0, -0.5, pairs.others))
    looks = follow(iter([pairs.starts, outside, pairs.starts]), network, pairs, cap_seconds=10.0)
    assert len(looks.seconds) == 2
    assert bool((looks.residuals[0] > 0.1).all())
    assert bool((looks.residuals[1] <= 1e-5).all())


def test_contestants_run_in_turns_and_ratios_are_taken_turn_by_turn():
    calls: list[str] = []
    contestants = {
        name: Contestant(lambda name=name: calls.append(name), most=most)
        for name, most in (("a", None), ("b", None), ("c", 1))
    }
    seconds = side_by_side(contestants, repeats=2)
    assert calls == ["a", "b", "a", "b", "c", "b", "a"]
    assert [len(seconds[name]) for name in "abc"] == [2, 2, 1]
    assert ratios({"a": [1.0, 2.0], "b": [3.0, 2.0]}, under="a") == {"b": spread([3.0, 1.0])._asdict()}


def test_no_two_settings_share_a_name():
    names = [(recipe.library, recipe.name) for recipe in [recipes.DEFAULT, *recipes.quick(), *recipes.slow()]]
    assert len(set(names)) == len(names)


def test_figures_name_the_machine_but_nobody():
    assert not {"hostname", "node", "user"} & set(machine())


def test_the_harness_runs_without_its_peers(tmp_path):
    command = [sys.executable, "-m", "benchmarks.speed", "--size", "tiny", "--threads", "1", "--only"]
    command += ["jacobians", "walks", "project", "shares", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))
    assert [run["section"] for run in results["runs"]] == ["jacobians", "walks", "project", "shares"]
    for work in results["runs"][-1]["figures"].values():
        assert sum(work["parts"].values()) == pytest.approx(work["seconds"])
        assert min(work["parts"].values()) > 0, "a part that is never entered is not watched"
    assert "Jacobians of 512 digits" in (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert "not measured" in (tmp_path / "speed_targets.md").read_text(encoding="utf-8")
    assert "one at a time" in (tmp_path / "speed_profile.md").read_text(encoding="utf-8")
    assert (tmp_path / "speed.png").stat().st_size > 10_000
