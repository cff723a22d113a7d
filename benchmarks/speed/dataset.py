"""The whole test set in a stream: singular values, rank, unseen share of the data's variance, sensitivities.

Its time stands beside the bare Jacobians of the same digits, and its peak memory is that of a process of its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import torch
from benchmarks.speed.jacobians import bare_products, best_chunk, in_chunks
from benchmarks.speed.machine import ROOT
from benchmarks.speed.networks import SHAPE, Network, digits, load
from benchmarks.speed.sizes import Size
from benchmarks.speed.timing import Contestant, ratios, side_by_side
from torch import Tensor

import fiberscope as fs

OURS = "fiberscope, with sensitivities"
GEOMETRY = "fiberscope, without sensitivities"
BARE = "bare Jacobians"
_STATUS = Path("/proc/self/status")
_STREAM = 256
_REFERENCES = 1000


def measure(network: Network, size: Size) -> dict[str, object]:
    images = digits()[: size.dataset_images]
    chunk = best_chunk(lambda part: bare_products(network.module, part), images[:1024])
    contestants = {
        OURS: Contestant(lambda: stream(network, images, sensitivities=True)),
        GEOMETRY: Contestant(lambda: stream(network, images, sensitivities=False)),
        BARE: Contestant(lambda: in_chunks(lambda part: bare_products(network.module, part), images, chunk)),
    }
    seconds = side_by_side(contestants, repeats=min(3, size.repeats))
    peaks = {str(count): _peak_of_its_own(network, count) for count in size.memory_images}
    return {
        "images": len(images),
        "bare Jacobians, images at once": chunk,
        "seconds": seconds,
        "ratios": ratios(seconds, under=BARE),
        "peak memory, MiB": peaks,
    }


def stream(network: Network, images: Tensor, *, sensitivities: bool) -> list[tuple[Tensor, ...]]:
    """What a survey keeps of each image, a batch at a time, each Jacobian computed once.

    Axes of the data and yardsticks are from a fixed number of images, so that memory does not grow with the rest.
    """
    known = digits()[:_REFERENCES]
    factor = fs.geometry.covariance_factor(known.flatten(1))
    labels = fs.data.mnist("test").labels[:_REFERENCES]
    generator = torch.Generator().manual_seed(0)
    yardstick = fs.variations.yardsticks(network.latent_map, known, labels, generator=generator)
    variations = fs.variations.catalogue(SHAPE)
    kept = []
    for part in images.split(_STREAM):
        jacobian = fs.jacobian(network.latent_map, part)
        split = fs.split_tangent(jacobian)
        row = (split.singular_values, split.rank, fs.geometry.invisible_share(split, factor))
        if sensitivities:
            found = fs.variations.sensitivity(
                network.latent_map, part, variations, yardstick=yardstick, jacobian=jacobian
            )
            row = (*row, found.relative)
        kept.append(row)
    return kept


def _peak_of_its_own(network: Network, count: int) -> float:
    command = [sys.executable, "-m", "benchmarks.speed.dataset", network.name, str(count)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


def _peak() -> float:
    if _STATUS.is_file():
        # Linux keeps the peak of the process that started this one in ru_maxrss, where that was higher.
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 2**10
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    stream(load(sys.argv[1]), digits()[: int(sys.argv[2])], sensitivities=True)
    print(json.dumps(round(_peak(), 1)))
