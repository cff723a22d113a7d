"""Whether the check that a gradient is the derivative ever refuses a network whose gradient is one.

Run from a checkout: python -m benchmarks.gradient_check [seeds]
The architectures of docs/architectures.md with random weights of many seeds, but for the two that have no gradient to
follow: none may be refused. Of each the draws that disagreed are counted too: a verdict needs a majority of seven.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

import fiberscope as fs
from fiberscope.problem import gradient_check
from fiberscope.problem.double import in_double
from fiberscope.problem.layers import as_rows

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "gradient_check.json"
NO_GRADIENT = ("rounding", "dropout that stays on")


def architectures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_architectures", ROOT / "docs" / "make_architectures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(entry, seeds: int) -> dict[str, object]:
    refused, disagreeing, single, seconds = [], 0, 0, 0.0
    for seed in range(seeds):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = entry.build().eval().requires_grad_(False)
        began = time.process_time()
        try:
            fs.LatentMap(network, entry.shape)
        except fs.ModelError as error:
            refused.append(f"seed {seed}: {error}")
        seconds += time.process_time() - began
        found = draws(network, entry.shape)
        disagreeing += found[0]
        single += found[1]
    return {
        "network": entry.name,
        "seeds": seeds,
        "refused": refused,
        "draws that disagreed, of two each": disagreeing,
        "checked without a float64 twin": single,
        "CPU seconds of all probes, mean": round(seconds / seeds, 2),
    }


def draws(network: torch.nn.Module, shape: tuple[int, ...]) -> tuple[int, int]:
    """Draws that disagree, as the probe makes them, and whether differences are of float32."""
    images = 0.05 + 0.9 * torch.rand((3, *shape), generator=torch.Generator().manual_seed(0))

    def function(points: Tensor) -> Tensor:
        return as_rows(network(points.clone()))

    fine, generator = in_double(network, images), torch.Generator().manual_seed(1)
    seen = [gradient_check._compare(function, fine, images, generator, factor=1.0) for _ in range(2)]
    return sum(each is not None for each in seen), int(fine is None)


if __name__ == "__main__":
    torch.set_num_threads(1)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    entries = [entry for entry in architectures().entries() if entry.name not in NO_GRADIENT]
    results = []
    for entry in entries:
        results.append(measure(entry, seeds))
        print(json.dumps(results[-1]), flush=True)
    RESULT.write_text(json.dumps({"torch": torch.__version__, "networks": results}, indent=2) + "\n")
    sys.exit(any(each["refused"] for each in results))
