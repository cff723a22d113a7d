from __future__ import annotations

from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs
from fibers import normal, uniform, wavy_map
from fiberscope.geometry import box_step, differentiate, method_for, project_cone
from fiberscope.geometry.differential import Curvature, Dense, Differential
from fiberscope.geometry.differentiate import Method
from fiberscope.geometry.matrix_free import MatrixFree
from fiberscope.geometry.sketch import sketch_root


class _OneWay(torch.autograd.Function):
    """tanh, without a forward mode."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.tanh(x)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (1 - torch.tanh(x).square())


def one_way_map() -> fs.LatentMap:
    matrix = normal(12, 4)
    return fs.LatentMap(lambda x: _OneWay.apply(x @ matrix), (12,), dtype=torch.float64)


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.read, self.out = nn.Linear(8, 24), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.read(x.unflatten(1, (1, 4, 8))).chunk(3, dim=-1)
        return self.out(nn.functional.scaled_dot_product_attention(query, key, value).flatten(1))


def attention_map() -> fs.LatentMap:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return fs.LatentMap(_Attention().eval(), (32,))


def times(jacobian: Tensor, vectors: Tensor) -> Tensor:
    return (jacobian @ vectors[:, :, None])[:, :, 0]


def medium_map(latent_size: int = 64) -> fs.LatentMap:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(3, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(512, latent_size),
        )
        return fs.LatentMap(net.eval(), (3, 64, 64))


MAPS = {"wavy": lambda: wavy_map(3, 12), "no forward mode": one_way_map}


@pytest.mark.parametrize("kind", MAPS)
def test_products_are_those_of_the_jacobian(kind: str):
    latent_map = MAPS[kind]()
    m, rows = latent_map.latent_size, uniform(5, 12)
    jacobian, ours = fs.jacobian(latent_map, rows), MatrixFree(latent_map, rows)
    steps, covectors = normal(5, 12, seed=1), normal(5, m, seed=2)
    assert torch.allclose(ours.push(steps), times(jacobian, steps), atol=1e-12)
    assert torch.allclose(ours.pull(covectors), times(jacobian.mT, covectors), atol=1e-12)
    assert torch.allclose(ours.latents, latent_map(rows), atol=1e-14)
    assert isinstance(ours, Differential)


def test_fused_attention_can_be_pushed_through():
    latent_map, rows = attention_map(), uniform(2, 32).float()
    jacobian, steps = fs.jacobian(latent_map, rows), normal(2, 32).float()
    ours = MatrixFree(latent_map, rows)
    assert torch.allclose(ours.push(steps), times(jacobian, steps), atol=1e-5)
    assert "_transpose" not in ours.__dict__, "no second graph is needed: the unfused kernel has a forward mode"


def test_steps_of_a_wrong_shape_are_not_taken_for_a_missing_forward_mode():
    with pytest.raises(RuntimeError, match="size"):
        MatrixFree(wavy_map(3, 12), uniform(2, 12)).push(uniform(2, 7))


def test_it_works_under_inference_mode_and_no_grad():
    latent_map, rows = wavy_map(3, 12), uniform(4, 12)
    steps = normal(4, 12, seed=1)
    known = times(fs.jacobian(latent_map, rows), steps)
    with torch.inference_mode():
        inside = MatrixFree(latent_map, rows.clone())
        assert torch.allclose(inside.push(steps.clone()), known)
        assert inside.pull(inside.push(steps)).shape == rows.shape
    with torch.no_grad():
        assert MatrixFree(latent_map, rows).pull(known).shape == rows.shape


def test_parameters_get_no_gradient_and_keep_their_wish_for_one():
    latent_map = medium_map(8)
    assert isinstance(latent_map.model, nn.Module)
    ours = MatrixFree(latent_map, uniform(1, 3 * 64 * 64).float())
    ours.solve(torch.ones(1, 3 * 64 * 64, dtype=torch.bool), Curvature(torch.ones(1)), torch.ones(1, 8))
    assert all(parameter.grad is None and parameter.requires_grad for parameter in latent_map.model.parameters())


def test_systems_are_solved_to_a_tenth():
    latent_map, rows = wavy_map(6, 20), uniform(3, 20)
    free = uniform(3, 20, seed=1) > 0.3
    right, diagonal = normal(3, 6, seed=2), torch.tensor([1e-3, 1.0, 1e-6], dtype=torch.float64)
    added = Curvature(diagonal, torch.full_like(diagonal, 0.3), torch.nn.functional.normalize(normal(3, 6, seed=3)))
    dense = Dense(fs.jacobian(latent_map, rows))
    solved = MatrixFree(latent_map, rows).solve(free, added, right)
    left = dense.push(dense.pull(solved) * free) + added.push(solved)
    assert bool(((left - right).norm(dim=1) <= 0.1001 * right.norm(dim=1)).all())


def test_a_right_side_of_zero_has_the_solution_zero():
    ours = MatrixFree(wavy_map(3, 12), uniform(2, 12))
    solved = ours.solve(torch.ones(2, 12, dtype=torch.bool), Curvature(torch.ones(2).double()), normal(2, 3) * 0)
    assert torch.equal(solved, torch.zeros_like(solved))


def test_the_norm_is_estimated():
    latent_map, rows = wavy_map(8, 40), uniform(6, 40)
    exact = fs.jacobian(latent_map, rows).norm(dim=(1, 2))
    assert bool((MatrixFree(latent_map, rows).norm() / exact - 1).abs().max() < 0.35)


def test_rows_do_not_talk_to_each_other():
    latent_map, rows = wavy_map(3, 12), uniform(5, 12)
    right, diagonal = normal(5, 3), torch.full((5,), 1e-3, dtype=torch.float64)
    free = torch.ones(5, 12, dtype=torch.bool)
    whole = MatrixFree(latent_map, rows)
    together = whole.solve(free, Curvature(diagonal), right)
    for row in (0, 3):
        index = torch.tensor([row])
        alone = whole.take(index)
        assert torch.allclose(alone.solve(free[index], Curvature(diagonal[index]), right[index]), together[index])
        assert torch.allclose(alone.norm(), whole.norm()[index])
    assert whole.take(torch.arange(5)) is whole


def test_the_box_step_is_that_of_the_dense_path():
    latent_map, rows = wavy_map(4, 30), uniform(6, 30)
    rows[:, :6] = 0.0
    dense, wanted = fs.jacobian(latent_map, rows), 0.5 * normal(6, 4, seed=1)
    known = box_step(dense, wanted, -rows, 1 - rows)
    ours = MatrixFree(latent_map, rows)
    found = box_step(ours, wanted, -rows, 1 - rows)
    reached = wanted - found.shortfall
    assert bool(((reached - (wanted - known.shortfall)).norm(dim=1) <= 1.1e-2 * wanted.norm(dim=1)).all())
    assert torch.allclose(found.step, known.step, atol=3e-2)
    assert bool(((found.step >= -rows) & (found.step <= 1 - rows)).all())


def test_the_cone_is_that_of_the_dense_path():
    latent_map, rows = wavy_map(3, 30), uniform(4, 30)
    rows[:, :6], rows[:, 6:10] = 0.0, 1.0
    directions = normal(4, 30, seed=1)
    box = (torch.zeros_like(rows), torch.ones_like(rows))
    known = project_cone(fs.jacobian(latent_map, rows), directions, rows, *box)
    assert torch.allclose(project_cone(MatrixFree(latent_map, rows), directions, rows, *box), known, atol=5e-2)


def test_a_root_weighs_the_latents():
    latent_map, rows = wavy_map(3, 12), uniform(2, 12)
    root = torch.linalg.cholesky(torch.eye(3).double() + (a := normal(2, 3, 3)) @ a.mT)
    weighed = Dense(torch.linalg.inv(root) @ fs.jacobian(latent_map, rows))
    ours = MatrixFree(latent_map, rows, root)
    assert torch.allclose(ours.push(normal(2, 12)), weighed.push(normal(2, 12)))
    assert torch.allclose(ours.pull(normal(2, 3)), weighed.pull(normal(2, 3)))
    second, step = torch.tensor([1]), normal(1, 12)
    assert torch.allclose(ours.take(second).push(step), weighed.take(second).push(step))


def test_a_sketch_makes_singular_values_alike():
    latent_map = medium_map()
    rows, scales = uniform(2, 3 * 64 * 64).float(), torch.logspace(0, -3, 64)
    stretched = fs.LatentMap(lambda x: scales * latent_map(x), (3, 64, 64))
    jacobian = fs.jacobian(stretched, latent_map.unflatten(rows)).detach()
    root = sketch_root(MatrixFree(stretched, rows), ridge=torch.full((2,), 1e-8))
    values = fs.split_tangent(jacobian).singular_values
    alike = fs.split_tangent(torch.linalg.solve_triangular(root, jacobian, upper=False)).singular_values
    assert bool((values[:, 0] / values[:, -1] > 500).all())
    assert bool((alike[:, 0] / alike[:, -1] < 6).all())


def test_a_sketch_knows_what_all_latents_share_as_well_as_their_differences():
    jacobian = 1 + 0.01 * normal(1, 8, 2000)
    latent_map = fs.LatentMap(lambda x: x @ jacobian[0].T, (2000,), dtype=torch.float64)
    root = sketch_root(MatrixFree(latent_map, uniform(1, 2000)), ridge=torch.full((1,), 1e-12).double())
    alike = fs.split_tangent(torch.linalg.solve_triangular(root, jacobian, upper=False)).singular_values[0]
    assert float(alike[0] / alike[-1]) < 6


def test_a_latent_that_nothing_moves_weighs_no_more_than_the_usual_one():
    jacobian = normal(4, 200)
    half_dead = fs.LatentMap(
        lambda x: torch.cat([x @ jacobian.T, torch.zeros_like(x[:, :4])], dim=1), (200,), dtype=torch.float64
    )
    root = sketch_root(MatrixFree(half_dead, uniform(1, 200)), ridge=torch.full((1,), 1e-5).double())
    weights = torch.linalg.inv(root)[0].norm(dim=0)
    assert float(weights[4:].max()) <= 3 * float(weights[:4].max())


def test_the_method_goes_by_the_size_of_one_jacobian(monkeypatch: pytest.MonkeyPatch):
    latent_map, rows = wavy_map(3, 12), uniform(2, 12)
    assert method_for(latent_map) is Method.DENSE
    assert isinstance(differentiate(latent_map, rows).differential, Dense)
    module = import_module("fiberscope.geometry.differentiate")
    monkeypatch.setattr(module, "DENSE_BYTES", 3 * 12 * 8 - 1)
    assert method_for(latent_map) is Method.MATRIX_FREE
    found = differentiate(latent_map, rows)
    assert isinstance(found.differential, MatrixFree)
    assert torch.allclose(found.latents, latent_map(rows))
    monkeypatch.setattr(module, "DENSE_BYTES", 3 * 12 * 8)
    assert method_for(latent_map) is Method.DENSE


def test_a_row_that_is_solved_at_once_is_not_spoilt_by_one_that_takes_longer():
    scale = torch.tensor([1.0, 2.0, 4.0, 8.0]).double()
    latent_map = fs.LatentMap(lambda x: x * scale, (4,), dtype=torch.float64)
    differential = MatrixFree(latent_map, torch.zeros(2, 4).double())
    right = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]).double()
    free = torch.ones(2, 4, dtype=torch.bool)
    solved = differential.solve(free, Curvature(torch.zeros(2).double()), right)
    assert torch.allclose(solved[0], right[0])
    assert bool(solved.isfinite().all())
