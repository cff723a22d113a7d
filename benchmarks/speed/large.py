"""Images of 3 x 224 x 224: EfficientNet-Lite0 with 1280 latents, and with 512, by products alone.

From one photograph to the latent of another, a short walk from there, and the leading singular values; each in a
process of its own, whose peak memory stands beside that of one forward pass with its graph. The dense way is measured
where it fits: 64 latents at 64 x 64.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from benchmarks.speed.machine import ROOT
from benchmarks.speed.networks import Network
from benchmarks.speed.photographs import lite0, photographs
from benchmarks.speed.sizes import Size
from torch import Tensor

import fiberscope as fs
from fiberscope.geometry import MatrixFree, range_finder

_STATUS = Path("/proc/self/status")
RTOL = 1e-4
LATENTS = (512, 1280)
WALK_LENGTH = 2.0
_COUNT = 20  # singular values
_WAYS = {"products": 0, "dense": 2**62}  # bytes up to which Jacobians are formed


def measure(network: Network, size: Size) -> dict[str, object]:
    latents = LATENTS if size.repeats > 1 else ()
    figures: dict[str, object] = {
        f"m = {m}": {what: _in_its_own_process(what, m, 224, "products") for what in _WHAT} for m in latents
    }
    figures["m = 64 at 64 x 64"] = {way: _in_its_own_process("project", 64, 64, way) for way in _WAYS}
    return figures


def documented(m: int, n: int = 3 * 224 * 224) -> float:
    """MiB that the inexact corrector says it keeps beside the graph of a pass, for one row in float32."""
    return 4 * (80 * n + 6 * m**2) / 2**20


def _forward(latent_map: fs.LatentMap, images: Tensor) -> dict[str, object]:
    """One forward pass with its graph, and the way back."""
    points = images[:1].clone().requires_grad_(True)
    latent_map(points).sum().backward()
    return {}


def _project(latent_map: fs.LatentMap, images: Tensor) -> dict[str, object]:
    fiber = fs.Fiber.through(latent_map, images[1:])
    found = fs.project(fiber, images[:1], rtol=RTOL, num_restarts=0)
    return {
        "method": found.method.value,
        "outcome": found.outcome[0].value,
        "residual / |z|": float(found.residual_norm / fiber.target.norm()),
        "points linearised": int(found.num_jacobians),
        "distance": float((found.points - images[:1]).norm()),
    }


def _walk(latent_map: fs.LatentMap, images: Tensor) -> dict[str, object]:
    """Four steps from a photograph along its own fiber, toward the other one."""
    fiber = fs.Fiber.through(latent_map, images[:1])
    path = fs.walk(fiber, images[:1], images[1:] - images[:1], length=WALK_LENGTH, num_steps=4, rtol=RTOL)
    return {
        "outcome": path.outcome[0].value,
        "greatest residual / |z|": float(path.residual_norm.max() / fiber.target.norm()),
        "length gone": float(path.arc_length[-1]),
    }


def _spectrum(latent_map: fs.LatentMap, images: Tensor) -> dict[str, object]:
    return {"singular values": range_finder(latent_map, images[:1], count=_COUNT).singular_values[0].tolist()}


_WHAT: dict[str, Callable[[fs.LatentMap, Tensor], dict[str, object]]] = {
    "forward": _forward,
    "project": _project,
    "walk": _walk,
    "spectrum": _spectrum,
}


def _in_its_own_process(what: str, m: int, side: int, way: str) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.speed.large", what, str(m), str(side), way]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _main(what: str, m: int, side: int, way: str) -> dict[str, object]:
    sys.modules["fiberscope.geometry.differentiate"].DENSE_BYTES = _WAYS[way]
    latent_map, weights = lite0(m, side=side)
    images, products = photographs(side), _count_products()
    loaded, started = _forget_peak(), time.perf_counter()
    figures = _WHAT[what](latent_map, images)
    seconds = time.perf_counter() - started
    return {
        **figures,
        "weights": weights,
        "seconds": round(seconds, 2),
        "products": dict(products),
        "peak memory above the loaded network, MiB": loaded and round(_status("VmHWM") - loaded, 1),
    }


def _count_products() -> Counter[str]:
    counts: Counter[str] = Counter()
    for name in ("push", "pull"):
        product = getattr(MatrixFree, name)

        def counted(self: MatrixFree, vectors: Tensor, name: str = name, product: Callable = product) -> Tensor:
            counts[name] += 1
            return product(self, vectors)

        setattr(MatrixFree, name, counted)
    return counts


def _forget_peak() -> float | None:
    """The memory in use, in MiB, from where the peak is measured anew; None where the system cannot do that.

    Probing a model takes a forward pass with its graph, so that the peak of loading would hide that of a small move.
    """
    if not _STATUS.is_file():
        return None
    ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back to the system, or a move would live on it unseen
    _STATUS.with_name("clear_refs").write_text("5")
    return _status("VmRSS")


def _status(key: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 2**10


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    what, m, side, way = sys.argv[1:]
    print(json.dumps(_main(what, int(m), int(side), way)))
