"""Variations of no images: empty results, whatever the functions behind them make of an empty batch."""

import pytest
import torch

import fiberscope as fs
from fiberscope import judges, variations

SHAPE = (1, 28, 28)
VARIATIONS = variations.catalogue(SHAPE)


@pytest.fixture(scope="module")
def latent_map() -> fs.LatentMap:
    torch.manual_seed(0)
    return fs.LatentMap(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 5)).eval(), SHAPE)


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda variation: variation.name)
def test_every_variation_of_no_images_is_empty(latent_map: fs.LatentMap, variation: variations.Variation):
    none = torch.rand(0, *SHAPE)
    assert variation.changed(none, torch.zeros(0)).shape == none.shape
    assert variation.tangent(none).shape == none.shape
    assert variation.orbit(none, torch.tensor([0.0, 1.0])).images.shape == (2, 0, *SHAPE)
    assert variations.free_part(fs.Fiber.through(latent_map, none), none, variation, variation.high / 2).outcome == ()
    variations.response(latent_map, none, variation, scale=1.0)
    variations.invariance_range(latent_map, none, variation, scale=1.0)


def test_a_panel_has_no_opinions_of_no_images():
    found = judges.shipped_panel().opinions(torch.rand(0, *SHAPE))
    assert found.classes.shape == found.confidence.shape == (0,)
