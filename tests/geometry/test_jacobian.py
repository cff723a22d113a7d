from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import linear_map, uniform, wavy_map
from fiberscope.geometry.jacobian import linearise


def test_the_jacobian_of_a_linear_map_is_its_matrix():
    latent_map, matrix = linear_map(3, 7)
    assert torch.allclose(fs.jacobian(latent_map, uniform(4, 7)), matrix.expand(4, 3, 7))


def test_it_equals_the_slow_dense_reference():
    latent_map = wavy_map(3, 9)
    images = uniform(4, 9)
    reference = torch.stack([torch.func.jacrev(lambda x: latent_map(x[None])[0])(image) for image in images])
    assert torch.allclose(fs.jacobian(latent_map, images), reference, atol=1e-12)


def test_forward_mode_takes_over_where_latents_outnumber_coordinates():
    latent_map = wavy_map(9, 4)
    images = uniform(5, 4)
    reference = torch.stack([torch.func.jacrev(lambda x: latent_map(x[None])[0])(image) for image in images])
    assert torch.allclose(fs.jacobian(latent_map, images), reference, atol=1e-12)


def test_chunks_change_nothing():
    latent_map = wavy_map(3, 9)
    images = uniform(7, 9)
    assert torch.allclose(fs.jacobian(latent_map, images, chunk_size=2), fs.jacobian(latent_map, images), atol=1e-14)


def test_a_chunk_is_all_that_the_model_ever_sees():
    sizes = []

    def watched(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        return x[:, :2].square()

    latent_map = fs.LatentMap(watched, (4,), dtype=torch.float64)
    sizes.clear()
    fs.jacobian(latent_map, uniform(10, 4), chunk_size=4)
    assert sizes == [4, 4, 2]


def test_a_few_rows_at_once_have_the_jacobians_of_many_one_latent_after_the_other():
    latent_map = wavy_map(3, 9)
    images = uniform(20, 9)  # too many for one pass
    few = torch.cat([linearise(latent_map, image[None]).jacobian for image in images])
    assert torch.allclose(few, linearise(latent_map, images).jacobian, atol=1e-14)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_where_the_caller_has_gradients_off(mode):
    latent_map, matrix = linear_map(2, 5)
    with mode():
        assert torch.allclose(fs.jacobian(latent_map, uniform(3, 5).clone()), matrix.expand(3, 2, 5))


def test_no_rows_give_no_jacobians():
    latent_map, _ = linear_map(2, 5)
    assert linearise(latent_map, uniform(0, 5)).jacobian.shape == (0, 2, 5)


def test_it_leaves_no_gradient_on_the_parameters():
    module = torch.nn.Linear(6, 2).double()
    fs.jacobian(fs.LatentMap(module, (6,)), uniform(3, 6))
    assert module.weight.grad is None
    assert module.weight.requires_grad


def test_no_rows_ask_nothing_of_the_network():
    def refuse_an_empty_batch(x: torch.Tensor) -> torch.Tensor:
        assert len(x) > 0
        return x[:, :2]

    found = fs.jacobian(fs.LatentMap(refuse_an_empty_batch, (5,)), torch.zeros(0, 5))
    assert found.shape == (0, 2, 5)
