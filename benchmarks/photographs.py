"""A cat with the logits of an espresso: EfficientNet-Lite0 with its ImageNet weights, on two photographs.

    fiberscope models fetch efficientnet-lite0
    fiberscope data fetch photographs
    python -m benchmarks.photographs logits
    python -m benchmarks.photographs features
    python -m benchmarks.photographs figure

The first two write `benchmarks/results/photographs.json` and keep the images found in `runs/photographs`; the last
draws `docs/images/photographs.png` from them.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

import fiberscope as fs
from fiberscope.data import PACKAGES, find_package
from fiberscope.data.png import read_png
from fiberscope.models.torchvision_package import torchvision

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "photographs.json"
FOUND = ROOT / "runs" / "photographs"
SIZES = {"chelsea": (3, 300, 451), "coffee": (3, 400, 600)}
LAYERS = {"logits": None, "features": "network.global_pool"}
RTOL = 1e-4
SIDE = 224


def photographs() -> Tensor:
    """The middle squares of the cat and the espresso."""
    folder = find_package(PACKAGES["photographs"]) / "skimage" / "data"
    squares = []
    for name, shape in SIZES.items():
        image = read_png(folder / f"{name}.png", shape=shape)
        edge = min(shape[1:])
        top, left = ((length - edge) // 2 for length in shape[1:])
        square = image[None, :, top : top + edge, left : left + edge]
        squares.append(nn.functional.interpolate(square, size=(SIDE, SIDE), mode="bilinear", antialias=True))
    return torch.cat(squares).clamp(0, 1)


def network() -> nn.Module:
    """Pixels in [0, 1] to 1000 logits."""
    return fs.models.resolve("efficientnet-lite0")


def explore(what: str) -> None:
    module, images = network(), photographs()
    layer, shape = LAYERS[what], (3, SIDE, SIDE)
    latent_map = (
        fs.LatentMap(module, shape) if layer is None else fs.LatentMap.at_layer(module, layer, input_shape=shape)
    )
    loaded = _peak()
    fiber = fs.Fiber.through(latent_map, images[1:])
    started = time.perf_counter()
    found = fs.project(fiber, images[:1], rtol=RTOL, num_restarts=0, num_steps=120)
    seconds = time.perf_counter() - started
    FOUND.mkdir(parents=True, exist_ok=True)
    torch.save({"image": found.points[0]}, FOUND / f"{what}.pt")
    apart = (latent_map(images[:1]) - fiber.target).norm() / fiber.target.norm()
    figures = {
        "latent size": latent_map.latent_size,
        "outcome": found.outcome[0].value,
        "residual / |z|": float(found.residual_norm / fiber.target.norm()),
        "residual / |z| of the cat itself": float(apart),
        "rtol": RTOL,
        "seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "peak memory, MiB": round(_peak()),
        "of it before the move, MiB": round(loaded),
        "distance to the cat": float((found.points - images[:1]).norm()),
        "distance from cat to espresso": float((images[1:] - images[:1]).norm()),
        "mean change of a pixel, in 255ths": float(255 * (found.points - images[:1]).abs().mean()),
        "top classes": {
            name: top_classes(module, picture)
            for name, picture in (("cat", images[:1]), ("espresso", images[1:]), ("found", found.points))
        },
    }
    print(json.dumps(figures, indent=2))
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps(known | {what: figures}, indent=2) + "\n")


def top_classes(module: nn.Module, images: Tensor, count: int = 3) -> list[str]:
    """The classes that the network finds most likely, with their shares."""
    names = torchvision().models.ResNet18_Weights.DEFAULT.meta["categories"]
    with torch.no_grad():
        best = module(images).softmax(1)[0].topk(count)
    return [f"{names[place]} {100 * float(share):.0f}%" for share, place in zip(*best, strict=True)]


def figure() -> None:
    raise NotImplementedError


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    figure() if sys.argv[1:] == ["figure"] else explore(sys.argv[1])
