"""Studies of small networks of digits, whose answers are known or quickly found."""

from __future__ import annotations

import torch
from torch import nn

import fiberscope as fs
from fiberscope.analysis.selection import Selection
from fiberscope.analysis.study.study import Study
from fiberscope.data import LabelledImages

DIGITS = fs.data.mnist("test")


def digits(rows: list[int], *, blank: bool = False) -> Selection:
    """Test digits of these rows; the first is black instead if ``blank``."""
    images, labels = DIGITS.images[rows].clone(), tuple(DIGITS.labels[rows].tolist())
    if blank:
        images[0] = 0
    return Selection(images, tuple(f"test {row}" for row in rows), labels)


def digit_study(encoder: nn.Module, *, head: nn.Module | None = None, images: Selection | None = None) -> Study:
    """The encoder is the latent map, the head upon it reads classes."""
    images = images or digits([0, 1, 2, 3])
    return Study(
        model="small",
        latent_map=fs.LatentMap(encoder.eval(), (1, 28, 28)),
        logits=None if head is None else lambda images: head(encoder(images)),
        images=images,
        partners=digits([row + 20 for row in range(len(images.names))]),
        data=LabelledImages(DIGITS.images[:300], DIGITS.labels[:300], "mnist-test"),
        panel=None,
        generator=None,
        seed=0,
    )


def bent_study() -> Study:
    """A random network with a bend that reads classes, at three digits after a black image."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 24), nn.Tanh(), nn.Linear(24, 4))
        return digit_study(encoder, head=nn.Linear(4, 10).eval(), images=digits([0, 1, 2, 3], blank=True))
