"""A cat with the logits of an espresso: EfficientNet-Lite0 with its ImageNet weights, on two photographs.

    fiberscope models fetch efficientnet-lite0
    fiberscope data fetch photographs
    python -m benchmarks.photographs features
    python -m benchmarks.photographs logits
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
from fiberscope.moves import Projection

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "photographs.json"
PICTURE = ROOT / "docs" / "images" / "photographs.png"
FOUND = ROOT / "runs" / "photographs"
SIZES = {"chelsea": (3, 300, 451), "coffee": (3, 400, 600)}
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


def before_relu6() -> nn.Module:
    """Pixels in [0, 1] to the 1280 pooled features, without the last ReLU6, behind which 818 of the cat's are dead."""
    module = network()
    module.network.bn2.act = nn.Identity()
    module.network.classifier = nn.Identity()
    return module


def explore(what: str) -> None:
    """The features alone, or by way of them the logits: from the cat itself, 5 % of these were left."""
    images, shape = photographs(), (3, SIDE, SIDE)
    latent_map = fs.LatentMap(before_relu6() if what == "features" else network(), shape)
    loaded, started = _peak(), time.perf_counter()
    start = images[:1]
    if what == "logits":
        start = torch.load(FOUND / "features.pt")["image"][None]
    fiber = fs.Fiber.through(latent_map, images[1:])
    found = fs.project(fiber, start, rtol=RTOL, num_restarts=0)
    seconds = time.perf_counter() - started
    FOUND.mkdir(parents=True, exist_ok=True)
    torch.save({"image": found.points[0]}, FOUND / f"{what}.pt")
    figures = told(latent_map, fiber, found, images)
    costs = {
        "seconds": round(seconds, 1),
        "processor seconds": round(time.process_time(), 1),
        "threads": torch.get_num_threads(),
        "peak memory, MiB": round(_peak()),
        "of it before the move, MiB": round(loaded),
    }
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps(known | {what: figures | costs}, indent=2) + "\n")
    print(json.dumps(figures | costs, indent=2))


def told(latent_map: fs.LatentMap, fiber: fs.Fiber, found: Projection, images: Tensor) -> dict[str, object]:
    """How near it came, and what the network says."""
    module, apart = network(), fiber.residual(images[:1]).norm() / fiber.target.norm()
    named = (("cat", images[:1]), ("espresso", images[1:]), ("found", found.points))
    return {
        "latent size": latent_map.latent_size,
        "outcome": found.outcome[0].value,
        "residual / |z|": float(found.residual_norm / fiber.target.norm()),
        "residual / |z| of the cat itself": float(apart),
        "rtol": RTOL,
        "distance to the cat": float((found.points - images[:1]).norm()),
        "distance from cat to espresso": float((images[1:] - images[:1]).norm()),
        "mean change of a pixel, in 255ths": float(255 * (found.points - images[:1]).abs().mean()),
        "top classes": {name: top_classes(module, picture) for name, picture in named},
    }


def top_classes(module: nn.Module, images: Tensor, count: int = 3) -> list[str]:
    """The classes that the network finds most likely, with their shares."""
    names = torchvision().models.ResNet18_Weights.DEFAULT.meta["categories"]
    with torch.no_grad():
        best = module(images).softmax(1)[0].topk(count)
    return [f"{names[place]} {100 * float(share):.0f}%" for share, place in zip(*best, strict=True)]


def figure() -> None:
    figures, images = json.loads(RESULTS.read_text()), photographs()
    found = [torch.load(FOUND / f"{what}.pt")["image"] for what in ("features", "logits")]
    first, second = figures["features"], figures["logits"]
    cat, espresso = (", ".join(first["top classes"][name][:2]) for name in ("cat", "espresso"))
    captions = (
        f"A cat\n{cat}",
        f"An espresso\n{espresso}",
        f"Its 1,280 features before the last ReLU6\n{first['outcome']}, {first['residual / |z|']:.0e} of |z| off\n"
        f"{first['top classes']['found'][0]}",
        f"Nearly its 1,000 logits\nnot reached, {second['residual / |z|']:.1%} of |z| off\n"
        f"{second['top classes']['found'][0]}",
    )
    title = "EfficientNet-Lite0: a cat with what the network keeps of an espresso"
    pictures = torch.stack([*images, *found]).clamp(0, 1)
    fs.gallery.save_png(fs.gallery.image_grid(pictures, columns=4, captions=captions, title=title, scale=2), PICTURE)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    figure() if sys.argv[1:] == ["figure"] else explore(sys.argv[1])
