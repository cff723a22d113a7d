"""A cat with the logits of an espresso: EfficientNet-Lite0 with its ImageNet weights, on two photographs.

    fiberscope models fetch efficientnet-lite0
    fiberscope data fetch photographs
    python -m benchmarks.photographs find
    python -m benchmarks.photographs figure

The first writes `benchmarks/results/photographs.json` and keeps the image found in `runs/photographs`; the second draws
`docs/images/photographs.png` from them.
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
from fiberscope.data.picture import read_picture
from fiberscope.models.torchvision_package import torchvision

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "photographs.json"
PICTURE = ROOT / "docs" / "images" / "photographs.png"
FOUND = ROOT / "runs" / "photographs"
SIZES = {"chelsea": (3, 300, 451), "coffee": (3, 400, 600)}
RTOL = 1e-4
SIDE = 224
_LAST = "network.bn2.act"  # the ReLU6 before the pooling


def photographs() -> Tensor:
    """The middle squares of the cat and the espresso."""
    folder = find_package(PACKAGES["photographs"]) / "skimage" / "data"
    squares = []
    for name, shape in SIZES.items():
        image = read_picture(folder / f"{name}.png", shape=shape).image
        edge = min(shape[1:])
        top, left = ((length - edge) // 2 for length in shape[1:])
        square = image[None, :, top : top + edge, left : left + edge]
        squares.append(nn.functional.interpolate(square, size=(SIDE, SIDE), mode="bilinear", antialias=True))
    return torch.cat(squares).clamp(0, 1)


def network() -> nn.Module:
    """Pixels in [0, 1] to 1000 logits."""
    return fs.models.resolve("efficientnet-lite0")


def to_features(module: nn.Module) -> nn.Module:
    """The same network, to its 1280 pooled features."""
    module.network.classifier = nn.Identity()
    return module


def find() -> None:
    """From the cat to the features of the espresso: first without the last ReLU6, then with it, awake."""
    images, module = photographs(), to_features(network())
    stages = {
        "the last ReLU6 left out": fs.models.Leaky(module, _LAST, 1.0),
        "as it is": fs.models.Awake(module, _LAST, images[1:]),
    }
    fibers = [fs.Fiber.through(fs.LatentMap(stage, (3, SIDE, SIDE)), images[1:]) for stage in stages.values()]
    loaded, points, ways = _peak(), images[:1], {}
    for name, fiber in zip(stages, fibers, strict=True):
        started, busy = time.perf_counter(), time.process_time()
        found = fs.project(fiber, points, rtol=RTOL, num_restarts=0)
        ways[name] = {
            "outcome": found.outcome[0].value,
            "residual / |z| before": float(fiber.residual(points).norm() / fiber.target.norm()),
            "residual / |z|": float(found.residual_norm / fiber.target.norm()),
            "points linearised": int(found.num_jacobians),
            "seconds": round(time.perf_counter() - started, 1),
            "processor seconds": round(time.process_time() - busy, 1),
        }
        points = found.points
        print(json.dumps({name: ways[name]}, indent=2), flush=True)
    FOUND.mkdir(parents=True, exist_ok=True)
    torch.save({"image": points[0]}, FOUND / "found.pt")
    costs = {
        "seconds": round(sum(way["seconds"] for way in ways.values()), 1),
        "threads": torch.get_num_threads(),
        "peak memory, MiB": round(_peak()),
        "of it before the moves, MiB": round(loaded),
    }
    figures = {"rtol": RTOL, "ways": ways, "costs": costs, **told(images, points)}
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def told(images: Tensor, points: Tensor) -> dict[str, object]:
    """How near it came, by fresh passes of the network itself, and what that says."""
    module = network()
    named = {"cat": images[:1], "espresso": images[1:], "found": points}
    with torch.no_grad():
        logits = {name: module(image) for name, image in named.items()}
        features = {name: to_features(network())(image) for name, image in named.items()}
    off = {what: _apart(latents) for what, latents in {"1280 features": features, "1000 logits": logits}.items()}
    return {
        **off,
        "features of the cat that are dead": int((features["cat"] == 0).sum()),
        "of the espresso": int((features["espresso"] == 0).sum()),
        "least and greatest pixel": [float(points.min()), float(points.max())],
        "distance to the cat": float((points - images[:1]).norm()),
        "distance from cat to espresso": float((images[1:] - images[:1]).norm()),
        "mean change of a pixel, in 255ths": float(255 * (points - images[:1]).abs().mean()),
        "top classes": {name: top_classes(module, image) for name, image in named.items()},
    }


def _apart(latents: dict[str, Tensor]) -> dict[str, float]:
    target = latents["espresso"]
    return {
        f"{name}, |f(x) - z| / |z|": float((latents[name] - target).norm() / target.norm()) for name in ("cat", "found")
    }


def top_classes(module: nn.Module, images: Tensor, count: int = 3) -> list[str]:
    """The classes that the network finds most likely, with their shares."""
    names = torchvision().models.ResNet18_Weights.DEFAULT.meta["categories"]
    with torch.no_grad():
        best = module(images).softmax(1)[0].topk(count)
    return [f"{names[place]} {100 * float(share):.0f}%" for share, place in zip(*best, strict=True)]


def figure() -> None:
    figures, images = json.loads(RESULTS.read_text(encoding="utf-8")), photographs()
    found = torch.load(FOUND / "found.pt", weights_only=True)["image"]
    cat, espresso, both = (figures["top classes"][name] for name in ("cat", "espresso", "found"))
    off = {what: figures[what]["found, |f(x) - z| / |z|"] for what in ("1280 features", "1000 logits")}
    captions = (
        f"A cat\n{', '.join(cat[:2])}",
        f"An espresso\n{', '.join(espresso[:2])}",
        f"To the network, the espresso\n{', '.join(both[:2])}\n"
        f"1,280 features: {off['1280 features']:.0e} of |z| off\n1,000 logits: {off['1000 logits']:.0e} of |z| off",
    )
    title = "EfficientNet-Lite0: a cat with the logits of an espresso"
    pictures = torch.stack([*images, found]).clamp(0, 1)
    fs.gallery.save_png(fs.gallery.image_grid(pictures, columns=3, captions=captions, title=title, scale=2), PICTURE)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    {"find": find, "figure": figure}[sys.argv[1]]()
