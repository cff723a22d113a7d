"""Images between two training digits, on which people and networks disagree: made here, labelled by eye.

From a digit that no judge has learnt from, towards the most similar digit of another class after small rotations,
scalings and shifts: `few`, some strokes exchanged (few pixels change, each as much as it likes); `grey3` and `grey4`,
every pixel moves by at most 0.3 or 0.4. The idea is that of Tramèr, Behrmann, Carlini, Papernot and Jacobsen (2020),
Fundamental tradeoffs between invariance and sensitivity to adversarial perturbations; images and labels are our own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from fiberscope.data import LabelledImages

KINDS = ("few", "grey3", "grey4")
_STEP = {"grey3": 0.3, "grey4": 0.4}


class Between(NamedTuple):
    """Images, and the classes of the digits that each lies between."""

    images: Tensor
    kinds: list[str]
    own: list[int]
    other: list[int]


def make(train: LabelledImages, count: int) -> Between:
    images, labels = train.images[:, 0], train.labels
    held = torch.randperm(len(labels), generator=torch.Generator().manual_seed(2024))[: len(labels) // 12]
    sources = held[torch.randperm(len(held), generator=torch.Generator().manual_seed(123))[:count]]
    blurred = _blur(images[held]).flatten(1)
    made, own, other = [], [], []
    for number, source in enumerate(sources.tolist()):
        kind, image = KINDS[number % 3], images[source]
        apart = torch.cdist(_blur(image[None]).flatten(1), blurred)[0]
        apart[labels[held] == labels[source]] = math.inf
        near = held[apart.topk(30, largest=False).indices]
        partners = _moved(images[near])
        if kind == "few":
            cost = ((partners - image).abs() > 0.35).float().sum((1, 2))
        else:
            cost = (_towards(image, partners, _STEP[kind]) - partners).square().sum((1, 2))
        best = int(cost.argmin())
        partner = partners[best]
        made.append(_exchange(image, partner) if kind == "few" else _towards(image, partner, _STEP[kind]))
        own.append(int(labels[source]))
        other.append(int(labels[near].repeat_interleave(15).repeat(25)[best]))
    return Between(torch.stack(made)[:, None], [KINDS[i % 3] for i in range(count)], own, other)


def _moved(images: Tensor) -> Tensor:
    """Each image under 15 rotations and scalings (fastest), all of that under 25 shifts."""
    turned = []
    for degrees in (-20, -10, 0, 10, 20):
        for scale in (0.88, 1.0, 1.12):
            cosine, sine = (f(math.radians(degrees)) / scale for f in (math.cos, math.sin))
            affine = torch.tensor([[cosine, -sine, 0], [sine, cosine, 0]]).expand(len(images), 2, 3)
            grid = functional.affine_grid(affine, [len(images), 1, 28, 28], align_corners=False)
            turned.append(functional.grid_sample(images[:, None], grid, align_corners=False)[:, 0])
    stack = torch.stack(turned, 1).flatten(0, 1).clamp(0, 1)
    return torch.cat([torch.roll(stack, (dy, dx), (1, 2)) for dy in range(-2, 3) for dx in range(-2, 3)])


def _towards(image: Tensor, partner: Tensor, step: float) -> Tensor:
    return (image + (partner - image).clamp(-step, step)).clamp(0, 1)


def _exchange(image: Tensor, partner: Tensor) -> Tensor:
    """Take over the largest connected differences, up to some 30 pixels: strokes, not the fringe of a wider pen."""
    change = partner - image
    places, count = ndimage.label((change.abs() > 0.35).numpy(), [[1] * 3] * 3)
    clusters = [torch.from_numpy(places == c) for c in range(1, count + 1)]
    core = _blur(change[None])[0].abs()
    weights = [float(change.abs()[c].sum()) * (1 + float(core[c].max())) for c in clusters]
    mixed, spent = image.clone(), 0
    for place in sorted(range(count), key=lambda c: -weights[c]):
        size = int(clusters[place].sum())
        if size < 4 or (spent and spent + size > 40):
            continue
        mixed[clusters[place]] = partner[clusters[place]]
        spent += size
        if spent >= 28:
            break
    return mixed


def _blur(images: Tensor) -> Tensor:
    return functional.avg_pool2d(functional.pad(images[:, None], (1,) * 4), 3, 1)[:, 0]
