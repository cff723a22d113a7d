from __future__ import annotations

from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs
from fibers import EVERYWHERE, linear_map, normal, sphere, uniform, wavy_map
from fiberscope.geometry import Method
from fiberscope.moves import Outcome
from fiberscope.moves.inexact_corrector import correct_inexactly
from fiberscope.moves.quasi_newton import come_near
from fiberscope.moves.setup import set_up
from networks import KINDS, make, pairs


@pytest.fixture
def products_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Jacobian is small enough to be formed."""
    monkeypatch.setattr(import_module("fiberscope.geometry.differentiate"), "DENSE_BYTES", 0)


def digits_and_targets(latent_map: fs.LatentMap, count: int, seed: int = 0) -> tuple[Tensor, fs.Fiber]:
    images = fs.data.mnist("test").images.to(latent_map.dtype)
    first, second = pairs(count, seed=seed)
    with torch.no_grad():
        return images[first], fs.Fiber(latent_map, target=latent_map(images[second]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_digits_arrive_on_the_fibers_of_others(products_only: None, dtype: torch.dtype):
    encoder = fs.models.load("mnist-classifier").encoder.to(dtype)
    latent_map = fs.LatentMap(encoder, (1, 28, 28))
    images, fiber = digits_and_targets(latent_map, 8)
    found = fs.project(fiber, images, num_restarts=0)
    assert found.method is Method.MATRIX_FREE
    assert found.outcome == (Outcome.CONVERGED,) * 8
    assert bool((fiber.residual(found.points).norm(dim=1) <= found.tolerance).all())
    assert float(found.points.min()) >= 0
    assert float(found.points.max()) <= 1


@pytest.mark.parametrize("kind", KINDS[:2])
def test_digits_arrive_on_networks_of_other_kinds(products_only: None, kind: str):
    images, fiber = digits_and_targets(fs.LatentMap(make(kind), (1, 28, 28)), 8)
    assert fs.project(fiber, images, num_restarts=0).outcome == (Outcome.CONVERGED,) * 8


def test_small_networks_go_by_jacobians():
    latent_map = wavy_map(3, 12)
    fiber = fs.Fiber.through(latent_map, uniform(2, 12))
    assert fs.project(fiber, uniform(2, 12, seed=1)).method is Method.DENSE


def test_it_goes_no_farther_than_the_dense_corrector(products_only: None, monkeypatch: pytest.MonkeyPatch):
    encoder = fs.models.load("mnist-classifier").encoder
    images, fiber = digits_and_targets(fs.LatentMap(encoder, (1, 28, 28)), 8)
    ours = (fs.project(fiber, images).points - images).flatten(1).norm(dim=1)
    monkeypatch.undo()
    dense = (fs.project(fiber, images).points - images).flatten(1).norm(dim=1)
    assert float(ours.mean()) <= 1.1 * float(dense.mean())


def test_a_linear_map_in_an_open_box_gets_the_nearest_point(products_only: None):
    latent_map, matrix = linear_map(3, 20)
    rows, target = normal(4, 20), normal(4, 3, seed=1)
    found = fs.project(fs.Fiber(latent_map, target=target, box=EVERYWHERE), rows)
    nearest = rows - (rows @ matrix.T - target) @ torch.linalg.pinv(matrix).T
    assert torch.allclose(found.points, nearest, atol=1e-4)
    assert found.outcome == (Outcome.CONVERGED,) * 4


def test_frozen_pixels_stay_as_they_are(products_only: None):
    latent_map, images = wavy_map(2, 20), uniform(3, 20)
    frozen = uniform(20, seed=2) > 0.6
    found = fs.project(fs.Fiber.through(latent_map, uniform(3, 20, seed=1)), images, frozen=frozen)
    assert torch.equal(found.points[:, frozen], images[:, frozen])


def test_a_row_gets_the_same_answer_alone(products_only: None):
    latent_map, images = wavy_map(4, 30), uniform(5, 30)
    target = latent_map(uniform(5, 30, seed=1))
    together = fs.project(fs.Fiber(latent_map, target=target), images)
    alone = fs.project(fs.Fiber(latent_map, target=target[2:3]), images[2:3])
    assert torch.allclose(alone.points, together.points[2:3], atol=1e-9)
    assert int(alone.num_jacobians) == int(together.num_jacobians[2])


def test_a_row_that_is_there_costs_nothing_and_one_that_is_not_finite_spoils_no_other(products_only: None):
    latent_map, images = sphere(), uniform(3, 5)
    fiber = fs.Fiber(latent_map, target=latent_map(images) * torch.tensor([[1.0], [2.0], [1.5]]), box=EVERYWHERE)
    rows, task, _ = set_up(fiber, images, frozen=None, rtol=None, atol=0.0)
    rows[1] = torch.nan
    found = correct_inexactly(latent_map, rows, task, num_steps=20)
    assert int(found.num_jacobians[0]) == 0
    assert torch.equal(found.rows[0], rows[0])
    assert bool(found.residual_norm[1].isinf())
    assert float(found.residual_norm[2]) <= float(task.tolerance[2])


def test_a_target_out_of_reach_ends_at_the_best_approach(products_only: None):
    latent_map = fs.LatentMap(lambda x: x.sum(dim=1, keepdim=True), (4,), dtype=torch.float64)
    found = fs.project(fs.Fiber(latent_map, target=torch.tensor([9.0]).double()), uniform(1, 4), num_restarts=1)
    assert torch.allclose(found.points, torch.ones(1, 4).double())
    assert found.outcome == (Outcome.UNREACHABLE,)


def test_a_tube_is_reached_at_its_surface(products_only: None):
    latent_map, images = wavy_map(3, 20), uniform(3, 20)
    fiber = fs.Fiber.through(latent_map, uniform(3, 20, seed=1))
    radius = 0.3 * float(fiber.residual(images).norm(dim=1).min())
    found = fs.project(fs.Tube(fiber, radius=radius), images)
    assert found.outcome == (Outcome.CONVERGED,) * 3
    assert bool((found.residual_norm > 0.9 * radius).all())


def test_gradients_alone_follow_a_curved_valley_to_its_floor():
    def valley(x: Tensor) -> Tensor:  # Rosenbrock's, as two latents
        return torch.stack([1 - x[:, 0], 10 * (x[:, 1] - x[:, 0].square())], dim=1)

    latent_map = fs.LatentMap(valley, (2,), dtype=torch.float64)
    rows = torch.tensor([[-1.2, 1.0], [0.5, 2.0]], dtype=torch.float64)
    fiber = fs.Fiber(latent_map, target=torch.zeros(2).double(), box=EVERYWHERE)
    task = set_up(fiber, rows, frozen=None, rtol=None, atol=1e-8).task
    unit = torch.eye(2, dtype=torch.float64).expand(2, 2, 2)
    found = come_near(latent_map, rows, task, torch.zeros(2).double(), unit, num_steps=80)
    assert torch.allclose(found.rows, torch.ones(2, 2).double(), atol=1e-6)
    assert int(found.num_gradients.max()) < 80


def test_gradients_end_at_the_tolerance_and_rows_that_end_early_take_their_memory_along():
    latent_map, rows = wavy_map(4, 30), uniform(4, 30)
    fiber = fs.Fiber(latent_map, target=latent_map(uniform(4, 30, seed=1)))
    task = set_up(fiber, rows, frozen=None, rtol=1e-6, atol=0.0).task
    task = task._replace(tolerance=task.tolerance * torch.tensor([1e3, 1.0, 1e4, 1.0]).double())
    unit = torch.eye(4, dtype=torch.float64).expand(4, 4, 4)
    together = come_near(latent_map, rows, task, torch.zeros(4).double(), unit, num_steps=200)
    assert bool((together.residual_norm <= task.tolerance).all())
    assert bool((together.num_gradients[[0, 2]] < together.num_gradients[[1, 3]]).all())
    for row in range(4):
        index = torch.tensor([row])
        alone = come_near(latent_map, rows[index], task.take(index), torch.zeros(1).double(), unit[:1], num_steps=200)
        assert torch.allclose(alone.rows[0], together.rows[row], atol=1e-9)
        assert int(alone.num_gradients) == int(together.num_gradients[row])


def test_gradients_alone_stop_at_a_bound_and_slide_along_it():
    matrix = torch.tensor([[1.0, 0.2], [0.2, 1.0]], dtype=torch.float64)
    latent_map = fs.LatentMap(lambda x: x @ matrix.T, (2,), dtype=torch.float64)
    fiber = fs.Fiber(latent_map, target=matrix @ torch.tensor([2.0, 0.5]).double())
    rows = torch.tensor([[0.1, 0.9]], dtype=torch.float64)
    task = set_up(fiber, rows, frozen=None, rtol=None, atol=0.0).task
    unit = torch.eye(2, dtype=torch.float64)[None]
    found = come_near(latent_map, rows, task, torch.zeros(1).double(), unit, num_steps=60).rows[0]
    gradient = matrix.T @ (matrix @ found - fiber.target)
    assert float(found[0]) == 1.0
    assert float(gradient[1].abs()) < 1e-6


def test_an_image_of_medium_size_arrives_on_the_fiber_of_another(products_only: None):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(3, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(512, 64),
        ).eval()
    latent_map = fs.LatentMap(net, (3, 64, 64))
    images = uniform(2, 3, 64, 64).float()
    found = fs.project(fs.Fiber.through(latent_map, images.flip(0)), images, rtol=1e-4)
    assert found.outcome == (Outcome.CONVERGED,) * 2
