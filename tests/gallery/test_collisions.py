"""Collisions as pictures: shares that add up, empty bins that stay empty, words under the right image."""

from inspect import unwrap

import numpy as np
import pytest
import torch

from fiberscope.gallery import theme
from fiberscope.gallery.collision_chart import collision_chart
from fiberscope.gallery.collision_sheet import CollisionWords, collision_sheet
from fiberscope.problem.errors import FiberscopeError

EDGES = torch.tensor([0.0, 2.0, 4.0, 6.0, 8.0])
COUNTS = torch.tensor([[0, 3, 12, 0], [1, 4, 6, 0], [19, 13, 2, 0]])
INTERVAL = torch.tensor([[0.0, 0.05, 0.4, torch.nan], [0.16, 0.36, 0.76, torch.nan]], dtype=torch.float64)


def colour_share(picture, colour):
    wanted = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return float((np.asarray(picture) == wanted).all(axis=-1).mean())


def test_the_area_of_a_part_grows_with_its_count():
    few = collision_chart(EDGES, COUNTS, INTERVAL)
    more = collision_chart(EDGES, COUNTS + torch.tensor([[0, 20, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]), INTERVAL)
    assert colour_share(more, theme.ORANGE) > colour_share(few, theme.ORANGE) + 0.01


def test_a_bin_without_images_draws_nothing():
    full = collision_chart(EDGES, COUNTS, INTERVAL)
    right = full.crop((int(full.width * 0.70), 120, int(full.width * 0.80), full.height - 200))
    assert colour_share(right, theme.ORANGE) == 0


def test_the_sheet_grows_with_its_collisions():
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    words = [CollisionWords("4", "9", 0.987, 3.21)] * 3
    assert collision_sheet(images, images, words).width > collision_sheet(images[:1], images[:1], words[:1]).width


def test_pictures_have_the_same_bytes_every_time():
    assert collision_chart(EDGES, COUNTS, INTERVAL).tobytes() == collision_chart(EDGES, COUNTS, INTERVAL).tobytes()


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(FiberscopeError, match="counts has 4 entries"):
        unwrap(collision_chart)(EDGES[:3], COUNTS, INTERVAL)
    with pytest.raises(FiberscopeError, match="interval has 3 entries"):
        unwrap(collision_chart)(EDGES, COUNTS, INTERVAL[:, :3])
    with pytest.raises(FiberscopeError, match="no image"):
        collision_chart(EDGES, 0 * COUNTS, INTERVAL)
    images = torch.zeros(2, 1, 28, 28)
    with pytest.raises(FiberscopeError, match="words has 1"):
        collision_sheet(images, images, [CollisionWords("4", "9", 0.9, 1.0)])
    with pytest.raises(FiberscopeError, match="images has 1"):
        unwrap(collision_sheet)(images, images[:1], [CollisionWords("4", "9", 0.9, 1.0)] * 2)
