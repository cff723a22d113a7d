"""Small made-up faces, and a small embedding of them whose mathematics is that of a real one."""

from __future__ import annotations

import torch
from torch import nn

import fiberscope as fs
from fiberscope.data import LabelledImages
from fiberscope.variations.smooth import diffuse

SHAPE = (1, 32, 32)
LATENTS = 6


def small_faces(people=5, pictures=4, *, seed=0):
    """Smooth blobs, one a person, with a smooth disturbance a picture: bright in the middle as faces are."""
    random = torch.Generator().manual_seed(seed)
    who = torch.randn(people, 1, *SHAPE, generator=random)
    how = torch.randn(people, pictures, *SHAPE, generator=random)
    smooth = diffuse((who + 0.5 * how).flatten(0, 1), torch.full((people * pictures,), 6.0))
    spread = smooth / smooth.flatten(1).std(dim=1).view(-1, 1, 1, 1)
    return LabelledImages(
        (0.5 + 0.12 * spread).clamp(0.02, 0.98), torch.arange(people).repeat_interleave(pictures), "small-faces"
    )


class SmallEmbedding(nn.Module):
    """A convolution, a smooth bend, and a matrix."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.look = nn.Conv2d(1, 4, 5, stride=4, padding=2)
        self.read = nn.Linear(4 * 8 * 8, LATENTS)

    def forward(self, images):
        return self.read(torch.tanh(4 * self.look(images - 0.5)).flatten(1))


def small_latent_map():
    return fs.LatentMap(SmallEmbedding().eval().requires_grad_(False), SHAPE)
