"""A second set of images between two digits, harder than the first: strokes and greys of an aligned digit.

From a digit that no judge has learnt from, and the digits of other classes that are most like it after a rotation, a
scaling, a shear and a shift: `few`, clusters of differing pixels are taken over, the fewest that leave the image
nearer to the other digit; `grey3` and `grey4`, every pixel moves toward the other digit by at most 0.3 or 0.4. Of many
sources those are kept whose image is relatively nearest to the other digit, by a distance on blurred roots of grey that
no judge has a part in. Run from a checkout with the training digits: python benchmarks/transplants.py

References:
    Tramèr, Behrmann, Carlini, Papernot and Jacobsen (2020), Fundamental tradeoffs between invariance and sensitivity to
    adversarial perturbations, section 4. The code, the images and the labels are our own.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor
from torch.nn import functional

import fiberscope as fs
from fiberscope.data import LabelledImages

KINDS = ("few", "grey3", "grey4")
IMAGES = Path(__file__).parent / "data" / "transplants.npz"
_STEP = {"grey3": 0.3, "grey4": 0.4}
_SOURCES = 300
_KEPT = {"few": 60, "grey3": 45, "grey4": 45}
_LEAST_OTHER = 0.75  # of a transplant: how near to the source it still is, relative to the other digit
_PER_PAIR = 5  # images of one kind from one class toward another, so that 4 toward 9 does not fill the set
_BETTER = 0.6  # of the sources are good enough to choose from
_REACH = 2  # pixels of shift


class Transplant(NamedTuple):
    """An image, the classes of the digits that it lies between, and how near it is to the second, relatively."""

    image: Tensor
    own: int
    other: int
    ratio: float


def make(train: LabelledImages) -> tuple[list[Transplant], list[str]]:
    """All that are kept, in an order that tells nothing of what they are."""
    held = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(2024))[: len(train.labels) // 12]
    digits, labels = train.images[held, 0], train.labels[held]
    sources = torch.randperm(len(held), generator=torch.Generator().manual_seed(77))[:_SOURCES].tolist()
    pool: dict[str, list[Transplant]] = {kind: [] for kind in KINDS}
    for source in sources:
        partners, classes = _aligned(digits[source], labels[source], digits, labels)
        for kind in KINDS:
            pool[kind].append(_best(kind, digits[source], int(labels[source]), partners, classes))
    kept, kinds = [], []
    for kind in KINDS:
        chosen = _foremost(pool[kind], _KEPT[kind])
        kept += chosen
        kinds += [kind] * len(chosen)
    order = torch.randperm(len(kept), generator=torch.Generator().manual_seed(5)).tolist()
    return [kept[place] for place in order], [kinds[place] for place in order]


def _aligned(image: Tensor, label: Tensor, digits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The digits of other classes most like the image, each moved to lie over it, and their classes."""
    apart = torch.cdist(_seen(image[None]).flatten(1), _seen(digits).flatten(1))[0]
    apart[labels == label] = math.inf
    near = apart.topk(24, largest=False).indices
    turned = _turned(digits[near])
    matches = functional.conv2d(functional.pad(image[None, None], [_REACH] * 4), turned[:, None])[0]
    costs = (turned.square().sum((1, 2))[:, None] - 2 * matches.flatten(1)).view(len(near), -1)
    best = costs.argmin(dim=1)
    per, side = costs.shape[1] // (2 * _REACH + 1) ** 2, 2 * _REACH + 1
    moved = []
    for place, choice in enumerate(best.tolist()):
        which, shift = divmod(choice, side * side)
        down, right = divmod(shift, side)
        padded = functional.pad(turned[place * per + which], [_REACH] * 4)
        moved.append(padded[2 * _REACH - down :, 2 * _REACH - right :][:28, :28])
    return torch.stack(moved), labels[near]


def _turned(images: Tensor) -> Tensor:
    """Each image under 45 rotations, scalings and shears, those of one image together."""
    turned = []
    for degrees, scale, shear in itertools.product((-16, -8, 0, 8, 16), (0.9, 1.0, 1.1), (-0.15, 0.0, 0.15)):
        cosine, sine = (f(math.radians(degrees)) / scale for f in (math.cos, math.sin))
        affine = torch.tensor([[cosine, shear - sine, 0], [sine, cosine, 0]]).expand(len(images), 2, 3)
        grid = functional.affine_grid(affine, [len(images), 1, 28, 28], align_corners=False)
        turned.append(functional.grid_sample(images[:, None], grid, align_corners=False)[:, 0])
    return torch.stack(turned, dim=1).flatten(0, 1).clamp(0, 1)


def _best(kind: str, image: Tensor, own: int, partners: Tensor, classes: Tensor) -> Transplant:
    if kind == "few":
        found = [_transplant(image, partner, own, int(other)) for partner, other in zip(partners, classes, strict=True)]
        return min(found, key=lambda each: float(((each.image - image).abs() > 0.1).sum()) + 1000 * (each.ratio > 1))
    step = _STEP[kind]
    mixed = (image + (partners - image).clamp(-step, step)).clamp(0, 1)
    ratios = _ratio(mixed, image[None], partners)
    place = int(ratios.argmin())
    return Transplant(mixed[place], own, int(classes[place]), float(ratios[place]))


def _transplant(image: Tensor, partner: Tensor, own: int, other: int) -> Transplant:
    """Of all choices of clusters, the one with fewest pixels that leaves the image nearer to the partner."""
    change = partner - image
    places = (change.abs() > 0.3).nonzero()
    signs = 6.0 * change[tuple(places.T)].sign()  # what is written and what is erased are clusters apart
    points = torch.cat([places.float(), signs[:, None]], dim=1).double().numpy()
    count = max(1, min(7, len(points) // 6))
    _, numbers = kmeans2(points, count, minit="++", seed=0)
    choices = torch.tensor(list(itertools.product((False, True), repeat=count))[1:])
    taken = torch.zeros(len(choices), 28, 28, dtype=torch.bool)
    taken[:, places[:, 0], places[:, 1]] = choices[:, torch.from_numpy(numbers).long()]
    mixed = torch.where(taken, partner, image)
    ratios = _ratio(mixed, image[None], partner[None])
    sizes = taken.sum((1, 2)).float() + 1000.0 * (ratios > _LEAST_OTHER)
    place = int(sizes.argmin())
    return Transplant(mixed[place], own, other, float(ratios[place]))


def _foremost(pool: list[Transplant], count: int) -> list[Transplant]:
    kept: list[Transplant] = []
    better = sorted(pool, key=lambda each: each.ratio)[: round(_BETTER * len(pool))]
    for place in torch.randperm(len(better), generator=torch.Generator().manual_seed(6)).tolist():
        each = better[place]
        alike = sum((each.own, each.other) == (one.own, one.other) for one in kept)
        if alike < _PER_PAIR and len(kept) < count:
            kept.append(each)
    return kept


def _ratio(mixed: Tensor, images: Tensor, partners: Tensor) -> Tensor:
    to_partner = (_seen(mixed) - _seen(partners)).square().sum((1, 2)).sqrt()
    return to_partner / (_seen(mixed) - _seen(images)).square().sum((1, 2)).sqrt()


def _seen(images: Tensor) -> Tensor:
    """Blurred roots of grey: a faint stroke on black counts for more than its grey, a speck for less."""
    padded = functional.pad(images.sqrt()[:, None], [1] * 4)
    return functional.avg_pool2d(padded, 3, 1)[:, 0]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        found, kinds = make(fs.data.mnist("train"))
    np.savez_compressed(
        IMAGES,
        images=torch.stack([each.image for each in found]).mul(255).round().to(torch.uint8).numpy(),
        kinds=np.array(kinds),
        own=np.array([each.own for each in found]),
        other=np.array([each.other for each in found]),
    )
