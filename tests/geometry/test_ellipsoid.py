"""The linear picture of a tube has closed forms."""

from __future__ import annotations

import torch

import fiberscope as fs
from fibers import normal, uniform
from fiberscope.geometry.ellipsoid import ellipsoid
from fiberscope.geometry.linear_extreme import linear_extreme


def make(m: int = 3, n: int = 8, batch: int = 4):
    matrix = normal(batch, m, n)
    return matrix, ellipsoid(fs.split_tangent(matrix), 0.5)


def test_the_ends_of_the_semi_axes_lie_on_the_surface():
    matrix, found = make()
    for axis in range(3):
        end = found.semi_axes[:, axis, None] * found.split.row_basis[:, :, axis]
        assert torch.allclose((matrix @ end[:, :, None])[:, :, 0].norm(dim=1), torch.full((4,), 0.5).double())


def test_the_half_width_along_a_direction_is_radius_over_speed():
    matrix, found = make()
    direction = normal(4, 8, seed=5)
    speed = (matrix @ torch.nn.functional.normalize(direction, dim=1)[:, :, None]).flatten(1).norm(dim=1)
    assert torch.allclose(found.half_width(7 * direction), 0.5 / speed)


def test_it_has_no_bound_in_the_null_space():
    _, found = make()
    hidden = found.split.project_tangent(normal(4, 8, seed=5))
    assert bool(found.half_width(hidden).isinf().all())
    assert bool(found.support(hidden).isinf().all())
    assert bool(found.support(normal(4, 8, seed=6)).isinf().all())


def test_a_dead_latent_leaves_its_axis_without_bound():
    matrix, _ = make()
    matrix[:, 2] = 0
    found = ellipsoid(fs.split_tangent(matrix), torch.tensor([1.0, 2.0, 3.0, 4.0]).double())
    assert found.semi_axes.isinf().tolist() == [[False, False, True]] * 4
    assert torch.allclose(found.semi_axes[:, 0] * found.split.singular_values[:, 0], found.radius)


def test_support_of_a_visible_functional_is_its_largest_change():
    matrix, found = make()
    weights = found.split.project_normal(normal(4, 8, seed=7))
    # w d with w = Jᵀ u and |J d| <= r is at most r |u|.
    u = torch.linalg.pinv(matrix.transpose(1, 2)) @ weights[:, :, None]
    assert torch.allclose(found.support(weights), 0.5 * u[:, :, 0].norm(dim=1))


def test_the_linear_extreme_without_a_box_is_the_support():
    matrix, found = make()
    weights = found.split.project_normal(normal(4, 8, seed=7))
    far = torch.full((4, 8), torch.inf).double()
    step = linear_extreme(matrix, torch.zeros(4, 3).double(), -far, far, weights, radius=found.radius)
    assert torch.allclose((weights * step).sum(dim=1), found.support(weights), rtol=1e-5)


def test_the_linear_extreme_in_a_box_solves_the_linear_program():
    from scipy.optimize import linprog

    matrix, weights, rows = normal(4, 3, 8), normal(4, 8, seed=7), uniform(4, 8)
    step = linear_extreme(matrix, torch.zeros(4, 3).double(), -rows, 1 - rows, weights)
    assert torch.allclose((matrix @ step[:, :, None])[:, :, 0], torch.zeros(4, 3).double(), atol=1e-6)
    for row in range(4):
        bounds = list(zip((-rows[row]).tolist(), (1 - rows[row]).tolist(), strict=True))
        exact = linprog(-weights[row].numpy(), A_eq=matrix[row].numpy(), b_eq=[0, 0, 0], bounds=bounds)
        assert abs(float(weights[row] @ step[row]) / -exact.fun - 1) < 2e-3
