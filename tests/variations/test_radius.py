"""A radius as a person names it."""

from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fiberscope.variations.latent_scale import LatentScale
from fiberscope.variations.radius import radius_of

SCALE = LatentScale(within=8.0, between=20.0)
LATENTS = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 30.0]])  # the largest distance is 30


@pytest.mark.parametrize(
    ("eps", "radius"),
    [(0.5, 0.5), (2.0, 2.0), ("0.5", 0.5), ("25%", 2.0), (" 25 % ", 2.0), ("100%", 8.0), ("1e-3%", 8e-5), (30.0, 30.0)],
)
def test_a_number_is_a_distance_and_a_percentage_a_share_of_the_within_class_median(eps, radius):
    assert radius_of(eps, SCALE, LATENTS) == pytest.approx(radius)


@pytest.mark.parametrize("eps", [0.0, -1.0, "0%", "-5%", float("nan"), float("inf"), "nan", "inf%"])
def test_what_is_no_distance_is_refused(eps):
    with pytest.raises(fs.FiberscopeError, match=r"^eps: expected a positive distance"):
        radius_of(eps, SCALE, LATENTS)


@pytest.mark.parametrize("eps", [30.1, "376%"])
def test_a_radius_that_holds_every_image_is_refused(eps):
    with pytest.raises(fs.FiberscopeError, match="holds every image"):
        radius_of(eps, SCALE, LATENTS)


@pytest.mark.parametrize("eps", ["", "%", "a quarter", "25%%"])
def test_what_is_no_number_is_refused(eps):
    with pytest.raises(fs.FiberscopeError, match="neither a number nor a percentage"):
        radius_of(eps, SCALE, LATENTS)
