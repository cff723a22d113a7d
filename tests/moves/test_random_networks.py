"""A short run of ``benchmarks/random_networks.py``, and that it sees what it is there to see."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

import fiberscope as fs

pytestmark = pytest.mark.slow

PATH = Path(__file__).parents[2] / "benchmarks" / "random_networks.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("random_networks", PATH)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


@pytest.mark.filterwarnings("ignore")  # of torch, about what networks of many kinds do
def test_on_random_networks_no_box_breaks_no_frozen_pixel_moves_and_no_word_is_untrue(benchmark):
    wrong = {}
    for seed in range(3000, 3040):
        _, _, faults = benchmark.run(seed)
        wrong |= {seed: faults} if faults else {}
    assert wrong == {}


def _case(benchmark, frozen=None):
    network, images = torch.nn.Linear(4, 1).eval(), torch.full((1, 4), 0.5)
    return benchmark.Case("linear", "project", network, fs.Box(), images, images, frozen, False, False)


def test_it_sees_a_broken_box_a_moved_pixel_a_false_arrival_and_a_false_unreachable(benchmark):
    case = _case(benchmark, frozen=torch.tensor([True, False, False, False]))
    target = case.network(case.images).detach()
    images, tolerance = case.images, torch.full((1,), 1e-5)

    def faults(points: torch.Tensor, outcome: fs.Outcome) -> list[str]:
        return benchmark._faults(case, target, benchmark.Ended(points, tolerance, [outcome], [0]))

    assert faults(images, fs.Outcome.CONVERGED) == []
    moved = images + torch.tensor([[0.1, 0.0, 0.0, 0.0]])
    assert faults(moved, fs.Outcome.STALLED) == ["a frozen pixel moved"]
    assert "converged, but" in faults(images + torch.tensor([[0.0, 0.1, 0.0, 0.0]]), fs.Outcome.CONVERGED)[0]
    assert faults(images + torch.tensor([[0.0, 0.6, 0.0, 0.0]]), fs.Outcome.STALLED) == ["a box is broken"]
    assert "unreachable" in faults(images, fs.Outcome.UNREACHABLE)[0]
