"""fiberscope's own projection: a batch of 256, batches of other sizes, and one image at a time."""

from __future__ import annotations

from collections import Counter

import torch
from benchmarks.speed.networks import Network, pairs_of_digits
from benchmarks.speed.race import TOLERANCE, relative_residual
from benchmarks.speed.sizes import Size
from benchmarks.speed.timing import Contestant, clock, side_by_side, spread

import fiberscope as fs


def measure(network: Network, size: Size) -> dict[str, object]:
    """Seconds an image: whole, by batch size, and for each image alone the median over rounds."""
    pairs = pairs_of_digits(network, size.project_images)
    found = _project(network, slice(None), size)
    relative = relative_residual(network, found.points, pairs.latents)
    batches = _by_batch(network, size)
    alone = _alone(network, size)
    return {
        "images": size.project_images,
        "seconds": batches[str(size.batches[-1])],
        "share on the fiber": float((relative <= TOLERANCE).double().mean()),
        "outcomes": dict(Counter(outcome.value for outcome in found.outcome)),
        "Jacobians an image, mean": float(found.num_jacobians.double().mean()),
        "seconds an image by batch size": {batch: spread(each)._asdict() for batch, each in batches.items()},
        "one image, seconds": {
            "images": len(alone),
            "median": float(alone.quantile(0.5)),
            "95th percentile": float(alone.quantile(0.95)),
            "most": float(alone.max()),
        },
    }


def _project(network: Network, rows: slice, size: Size) -> fs.Projection:
    pairs = pairs_of_digits(network, size.project_images)
    return fs.project(fs.Fiber(network.latent_map, pairs.latents[rows]), pairs.starts[rows])


def _by_batch(network: Network, size: Size) -> dict[str, list[float]]:
    """The same first images in batches of each size, so that no size has harder ones; at most 32 batches of a size."""
    pairs = pairs_of_digits(network, max(size.batches))

    def run(batch: int) -> None:
        count = min(len(pairs.starts), 32 * batch)
        for part in torch.arange(count).split(batch):
            fs.project(fs.Fiber(network.latent_map, pairs.latents[part]), pairs.starts[part])

    contestants = {
        str(batch): Contestant(lambda batch=batch: run(batch), 1 / min(len(pairs.starts), 32 * batch))
        for batch in size.batches
    }
    return side_by_side(contestants, repeats=min(3, size.repeats))


def _alone(network: Network, size: Size) -> torch.Tensor:
    pairs = pairs_of_digits(network, size.latency_images)
    fibers = [fs.Fiber(network.latent_map, latent) for latent in pairs.latents]
    rounds = [
        [clock(lambda k=k, at=at: fs.project(at, pairs.starts[k : k + 1])) for k, at in enumerate(fibers)]
        for _ in range(3)
    ]
    return torch.tensor(rounds, dtype=torch.float64).median(dim=0).values
