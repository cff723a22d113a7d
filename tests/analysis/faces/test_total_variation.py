"""Changes of few edges: total variation weighs in the distance that descent makes small."""

from __future__ import annotations

import pytest
import torch

from fiberscope.analysis.faces.priors import bring, flat_prior, no_prior
from fiberscope.analysis.faces.total_variation import beside_total_variation
from small_faces import small_faces, small_latent_map


def total_variation(change):
    return float(change.diff(dim=-2).abs().sum() + change.diff(dim=-1).abs().sum())


def test_an_edge_costs_its_height_times_its_length_and_those_of_the_image_nothing():
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    measure = beside_total_variation(image, weight=2.0)
    change = torch.zeros(1, 1, 16, 16)
    change[..., :8] = 0.5
    squared = (measure(image + change) - measure(image)).square().sum()
    assert float(squared) == pytest.approx(16 * 8 * 0.25 + 2.0 * 16 * 0.5, rel=0.02)


def test_descent_that_weighs_edges_ends_on_the_fiber_with_fewer_of_them():
    latent_map, images = small_latent_map(), small_faces(2, 1).images
    goal = latent_map(images[1:])[0]
    free, flat = (bring(prior(latent_map), *images, goal, latent_map, num_steps=15) for prior in (no_prior, flat_prior))
    assert max(free.residual, flat.residual) < 2e-5
    edges = [total_variation(each.image - images[0]) for each in (free, flat)]
    ways = [float((each.image - images[0]).norm()) for each in (free, flat)]
    assert edges[1] < 0.9 * edges[0]
    assert ways[1] > ways[0]
