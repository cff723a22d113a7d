"""Small studies whose answers are known: a linear map of random images, and what a user brings for it as files."""

from __future__ import annotations

import numpy as np
import torch

from fiberscope import LatentMap
from fiberscope.analysis.selection import Selection
from fiberscope.analysis.study.open_study import draw_partners
from fiberscope.analysis.study.study import Study
from fiberscope.data import LabelledImages

SHAPE = (1, 6, 6)
LATENT_SIZE = 3
NUM_CLASSES = 3

NETWORK = """
import torch

def linear():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3, bias=False))
"""


def labelled(count: int = 60, *, seed: int = 0) -> LabelledImages:
    """Dim noise with a bright stripe for the class, so that images have room on all sides in the box."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % NUM_CLASSES
    images = 0.3 + 0.2 * torch.rand(count, *SHAPE, generator=random)
    for label in range(NUM_CLASSES):
        images[labels == label, :, 2 * label] += 0.1
    return LabelledImages(images, labels, "stripes")


def matrix(*, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(LATENT_SIZE, 36, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def linear_study(count: int = 4, *, reads: bool = False, dtype: torch.dtype = torch.float32) -> Study:
    """z = A x; with ``reads`` the class is the brightest of the three stripes, which is right."""
    rows, data = matrix(dtype=dtype), labelled()

    def stripes(images):
        return images.reshape(-1, *SHAPE)[:, 0, 0::2].mean(dim=2)

    images = Selection(data.images[:count], tuple(f"stripes {i}" for i in range(count)), (None,) * count)
    return Study(
        model="linear",
        latent_map=LatentMap(lambda x: x.flatten(1) @ rows.T, SHAPE, dtype=dtype),
        logits=stripes if reads else None,
        images=images,
        partners=draw_partners(data, data.labels[:count].tolist(), seed=0),
        data=data,
        panel=None,
        generator=None,
        seed=0,
    )


class Stripes:
    """Judges by the brightest stripe, and is sure of it."""

    name = "stripes"
    num_classes = NUM_CLASSES

    def probabilities(self, images):
        return torch.softmax(100 * images.reshape(-1, *SHAPE)[:, 0, 0::2].mean(dim=2), dim=1)


def write_study(folder) -> list[str]:
    """A network, images and labelled images as files, and the options that name them."""
    data = labelled()
    (folder / "network.py").write_text(NETWORK)
    np.savez(folder / "images.npz", images=data.images[:4].numpy())
    np.savez(folder / "labelled.npz", images=data.images.numpy(), labels=data.labels.numpy())
    shape = [str(side) for side in SHAPE]
    files = ["--images", str(folder / "images.npz"), "--labelled", str(folder / "labelled.npz")]
    return ["--model", f"{folder / 'network.py'}:linear", *files, "--input-shape", *shape]
