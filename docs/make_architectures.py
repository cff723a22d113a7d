"""Writes docs/architectures.md: networks of many families, whether fiberscope explores them, and if not why not.

Random weights, small inputs, four noise images each, moved onto the fibers of four others and walked from there.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

import fiberscope as fs
from fiberscope.models.opened import build_random

ROWS = 4
HEAD = """# Which architectures work

Written by `python docs/make_architectures.py`: every line is a run. Weights are random (seed 0), inputs are small, the
latent has 10 numbers unless another number is given. Four noise images are projected onto the fibers of four others,
and walked from there, half their distance, in float32 at the default tolerance of 10⁻⁵ |z|. What a trained network does
may differ; how to point fiberscope at one is in [models.md](models.md).

| network | family | n | m | project: arrived, median residual / \\|z\\| | walk: arrived, greatest residual / \\|z\\| |
|---|---|---|---|---|---|
"""


class Entry(NamedTuple):
    """A network, what it stands for, the shape of its images, and how it is built."""

    name: str
    family: str
    shape: tuple[int, ...]
    build: Callable[[], nn.Module]


def timm(name: str, **options: object) -> Callable[[], nn.Module]:
    """A network of timm with ten classes."""

    def build() -> nn.Module:
        from fiberscope.models.timm_names import timm as package  # noqa: PLC0415

        return package.create_model(name, num_classes=10, **options)

    return build


def vgg() -> nn.Module:
    """Convolutions, ReLU and pooling alone."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise((3, 16, 32, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 10))


def perceptron() -> nn.Module:
    """Layer normalisation and GELU."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.LayerNorm(128), nn.GELU(), nn.Linear(128, 10))


def swish() -> nn.Module:
    """Group normalisation and SiLU."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.GroupNorm(4, 16), nn.SiLU(), nn.Conv2d(16, 32, 3, stride=2),
        nn.GroupNorm(4, 32), nn.SiLU(), nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip


def mixer() -> nn.Module:
    """Patches mixed by perceptrons."""
    from fiberscope.models.timm_names import timm as package  # noqa: PLC0415

    options = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "num_blocks": 3, "num_classes": 10}
    network = package.models.mlp_mixer.MlpMixer(**options)
    nn.init.normal_(network.head.weight, std=0.1)  # timm begins with zeros, and all images would have one latent
    return network


def hugging_face_vit() -> nn.Module:
    """As `--model hf:FOLDER` opens it."""
    from fiberscope.models.hugging_face import ImageModel, transformers  # noqa: PLC0415

    configuration = transformers.ViTConfig(
        hidden_size=48, num_hidden_layers=3, num_attention_heads=3, intermediate_size=96, image_size=32, patch_size=8,
        num_labels=10, attn_implementation="eager",
    )  # fmt: skip
    return ImageModel(transformers.ViTForImageClassification(configuration))


def torchvision(name: str) -> Callable[[], nn.Module]:
    """A network of torchvision with ten classes."""

    def build() -> nn.Module:
        from fiberscope.models.torchvision_package import torchvision as package  # noqa: PLC0415

        return package().models.get_model(name, weights=None, num_classes=10)

    return build


class Rounds(nn.Module):
    """A network that rounds what it sees to whole numbers."""

    def forward(self, images: Tensor) -> Tensor:
        """Whole numbers."""
        return images.round()


class Noisy(nn.Module):
    """Dropout that stays on after eval()."""

    def forward(self, images: Tensor) -> Tensor:
        """The same image in other pixels each time."""
        return nn.functional.dropout(images, training=True)


SWIN = {"img_size": 32, "patch_size": 2, "window_size": 4, "embed_dim": 24, "depths": (1, 1), "num_heads": (2, 4)}
PHOTO, DIGIT = (3, 32, 32), (1, 28, 28)


def entries() -> tuple[Entry, ...]:
    """The lines of the table, in order."""
    rounds = nn.Sequential(nn.Flatten(), Rounds(), nn.Linear(3072, 10))
    noisy = nn.Sequential(nn.Flatten(), Noisy(), nn.Linear(3072, 10))
    trained = fs.models.load("mnist-autoencoder").encoder
    return (
        Entry("three convolutions", "VGG: convolution, ReLU, max pooling", PHOTO, vgg),
        Entry("perceptron", "layer normalisation, GELU", DIGIT, perceptron),
        Entry("two convolutions", "group normalisation, SiLU", PHOTO, swish),
        Entry("mnist-autoencoder", "autoencoder, trained", DIGIT, lambda: trained),
        Entry("timm: resnet10t", "residual, batch normalisation", PHOTO, timm("resnet10t")),
        Entry("torchvision: squeezenet1_1", "no normalisation", (3, 64, 64), torchvision("squeezenet1_1")),
        Entry("torchvision: shufflenet_v2_x0_5", "shuffled channels", PHOTO, torchvision("shufflenet_v2_x0_5")),
        Entry("timm: mobilenetv3_small_050", "mobile, hard swish", (3, 64, 64), timm("mobilenetv3_small_050")),
        Entry("timm: tf_efficientnet_lite0", "mobile, ReLU6", PHOTO, timm("tf_efficientnet_lite0")),
        Entry("timm: convnext_atto", "ConvNeXt, layer normalisation, GELU", PHOTO, timm("convnext_atto")),
        Entry("timm: test_vit", "vision transformer", PHOTO, timm("test_vit", img_size=32)),
        Entry("timm: Swin, two stages", "windowed attention", PHOTO, timm("swin_tiny_patch4_window7_224", **SWIN)),
        Entry("timm: MLP-Mixer, three blocks", "perceptrons over patches", PHOTO, mixer),
        Entry("hf: ViT of a configuration", "vision transformer of Hugging Face", PHOTO, hugging_face_vit),
        Entry("rounding", "what has no gradient to follow", PHOTO, lambda: rounds),
        Entry("dropout that stays on", "chance", PHOTO, lambda: noisy),
    )


class Row(NamedTuple):
    """A line of the table, and its seconds."""

    text: str
    seconds: float


def measure(entry: Entry) -> Row:
    """Build, probe, project and walk."""
    started = time.perf_counter()
    module = build_random(entry.build).eval().requires_grad_(False)
    start = f"| {entry.name} | {entry.family} | {torch.Size(entry.shape).numel():,} |"
    try:
        latent_map = fs.LatentMap(module, entry.shape)
    except fs.ModelError as error:
        return Row(f"{start} | {error} | |", time.perf_counter() - started)
    images = torch.rand(2 * ROWS, *entry.shape, generator=torch.Generator().manual_seed(1))
    fiber = fs.Fiber.through(latent_map, images[:ROWS])
    sizes = fiber.target.norm(dim=1)
    found = fs.project(fiber, images[ROWS:])
    reached = told(found.outcome, (found.residual_norm / sizes).median())
    ways = images[ROWS:] - images[:ROWS]
    path = fs.walk(fiber, images[:ROWS], ways, length=0.5 * float(ways.flatten(1).norm(dim=1).min()), num_steps=4)
    walked = told(path.outcome, (path.residual_norm / sizes).max())
    return Row(f"{start} {latent_map.latent_size} | {reached} | {walked} |", time.perf_counter() - started)


def told(outcomes: tuple[fs.Outcome, ...], residual: Tensor) -> str:
    """Rows that arrived, the residual, and of the others the sentence that says why."""
    counts = Counter(outcomes)
    others = [f"{count} {it.value}: {it.advice}" for it, count in counts.items() if it is not fs.Outcome.CONVERGED]
    return "; ".join([f"{counts[fs.Outcome.CONVERGED]} of {len(outcomes)}, {float(residual):.0e}", *others])


if __name__ == "__main__":
    lines = []
    for entry in entries():
        row = measure(entry)
        lines.append(row.text + "\n")
        sys.stdout.write(f"{row.seconds:6.1f} s  {row.text}\n")
        sys.stdout.flush()
    Path(__file__).with_name("architectures.md").write_text(HEAD + "".join(lines), encoding="utf-8")
