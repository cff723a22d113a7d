"""Advice that works when it is followed."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

import fiberscope as fs

GENERATOR = torch.Generator().manual_seed(0)


def model(channels: int) -> fs.LatentMap:
    return fs.LatentMap(nn.Sequential(nn.Flatten(), nn.Linear(channels * 48, 3)).eval(), (channels, 6, 8))


def follow(message: str, images: torch.Tensor) -> torch.Tensor:
    """What the line of code in the advice makes of the images."""
    code = re.search(r"images[.\[].*?(?=\.$|, if|, or)", message.rsplit("found", maxsplit=1)[-1])
    return eval(code[0], {"images": images})


@pytest.mark.parametrize(
    ("channels", "shape"),
    [(3, (2, 6, 8, 3)), (3, (6, 8, 3)), (1, (2, 6, 8)), (1, (6, 8)), (3, (2, 1, 6, 8)), (1, (2, 3, 6, 8)), (1, (2, 48)),
     (3, (3, 6, 8)), (3, (2, 6, 8))],
)  # fmt: skip
def test_the_line_of_code_in_a_refusal_mends_the_shape(channels, shape):
    latent_map, images = model(channels), torch.rand(shape, generator=GENERATOR)
    with pytest.raises(fs.FiberscopeError) as refusal:
        latent_map.check_images(images)
    latent_map.check_images(follow(str(refusal.value), images))


def test_another_size_names_the_resizing():
    with pytest.raises(fs.FiberscopeError, match=r"Preprocessing\(size=\(6, 8\)\)"):
        model(1).check_images(torch.rand(2, 1, 28, 28))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((torch.rand(2, 1, 6, 8) - 0.45) / 0.22, r"normalised already.*Preprocessing\(mean"),
        (255 * torch.rand(2, 1, 6, 8), "They look like bytes: divide by 255"),
        (1e4 * torch.rand(2, 1, 6, 8), "Scale the images to the box"),
    ],
)
def test_pixels_outside_the_box_are_explained(images, message):
    with pytest.raises(fs.FiberscopeError, match=message):
        fs.Fiber.through(model(1), images)
