"""How many digits reach the fibers of digits of other classes, on the shipped classifier and on other networks.

Run from a checkout: python benchmarks/reach.py [pairs] [kind ...]
A target that is the latent of a real image is reachable by construction, so every failure is the algorithm's.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import torch

import fiberscope as fs
from networks import KINDS, make, pairs


def measure(kind: str, count: int) -> dict[str, object]:
    encoder = fs.models.load("mnist-classifier").encoder if kind == "mnist-classifier" else make(kind)
    latent_map = fs.LatentMap(encoder, (1, 28, 28))
    digits = fs.data.mnist("test")
    sources, targets = pairs(count, seed=0)
    fiber = fs.Fiber.through(latent_map, digits.images[targets])
    started = time.perf_counter()
    found = fs.project(fiber, digits.images[sources])
    seconds = time.perf_counter() - started
    relative = fiber.residual(found.points).norm(dim=1) / fiber.target.norm(dim=1)
    return {
        "network": kind,
        "pairs": count,
        "outcomes": dict(Counter(outcome.value for outcome in found.outcome)),
        "on the fiber, per cent": round(100 * float((relative <= 1e-5).double().mean()), 2),
        "Jacobians an image, mean": round(float(found.num_jacobians.double().mean()), 2),
        "Jacobians an image, median": int(found.num_jacobians.median()),
        "Jacobians an image, most": int(found.num_jacobians.max()),
        "milliseconds an image": round(1e3 * seconds / count, 1),
        "threads": torch.get_num_threads(),
    }


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for kind in sys.argv[2:] or ("mnist-classifier", *KINDS):
        print(json.dumps(measure(kind, count)), flush=True)
