from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import linear_map, normal, uniform, wavy_map
from fiberscope.geometry import range_finder


def decaying_map(m: int = 60, n: int = 200) -> fs.LatentMap:
    left, right = torch.linalg.qr(normal(m, m)).Q, torch.linalg.qr(normal(n, m, seed=1)).Q
    matrix = left * 0.8 ** torch.arange(m, dtype=torch.float64) @ right.T
    return fs.LatentMap(lambda x: x @ matrix.T, (n,), dtype=torch.float64)


def test_with_as_many_directions_as_latents_it_is_the_split_itself():
    latent_map, images = wavy_map(4, 15), uniform(3, 15)
    known, found = fs.split_tangent(fs.jacobian(latent_map, images)), range_finder(latent_map, images, count=4)
    assert torch.allclose(found.singular_values, known.singular_values, rtol=1e-10)
    assert torch.equal(found.rank, known.rank)
    v = normal(3, 15)
    assert torch.allclose(found.project_tangent(v), known.project_tangent(v), atol=1e-10)


def test_the_leading_values_and_directions_are_those_of_the_whole_split():
    latent_map, images = decaying_map(), uniform(2, 200)
    known, found = fs.split_tangent(fs.jacobian(latent_map, images)), range_finder(latent_map, images, count=8)
    assert found.row_basis.shape == (2, 200, 8)
    assert torch.allclose(found.singular_values, known.singular_values[:, :8], rtol=1e-4)
    overlap = (found.row_basis * known.row_basis[:, :, :8]).sum(dim=1).abs()
    assert bool((overlap > 0.999).all())


def test_what_it_calls_tangent_is_seen_by_no_more_than_the_next_singular_value():
    latent_map, images = decaying_map(), uniform(2, 200)
    jacobian, found = fs.jacobian(latent_map, images), range_finder(latent_map, images, count=8)
    left = found.project_tangent(normal(2, 200))
    seen = (jacobian @ left[:, :, None])[:, :, 0].norm(dim=1) / left.norm(dim=1)
    assert bool((seen <= 1.01 * 0.8**8).all())


def test_a_rank_below_the_count_is_counted():
    matrix = linear_map(2, 30)[1]
    twice = torch.cat([matrix, matrix])
    latent_map = fs.LatentMap(lambda x: x @ twice.T, (30,), dtype=torch.float64)
    found = range_finder(latent_map, uniform(2, 30), count=3)
    assert found.rank.tolist() == [2, 2]
    assert bool((found.row_basis[:, :, 2:] == 0).all())


def test_no_direction_at_all_is_refused():
    with pytest.raises(fs.FiberscopeError, match="count"):
        range_finder(wavy_map(2, 6), uniform(1, 6), count=0)
