from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fibers import normal, uniform
from fiberscope.geometry import box_step, project_cone


def slow_box_step(jacobian: Tensor, wanted: Tensor, lower: Tensor, upper: Tensor, wish: Tensor) -> Tensor:
    """The step in the box with J D = wanted nearest to the wish, by Dykstra's alternating projections."""
    inverse = torch.linalg.pinv(jacobian)
    step, first, second = wish.clone(), torch.zeros_like(wish), torch.zeros_like(wish)
    for _ in range(4000):
        onto = step + first
        flat = onto - inverse @ (jacobian @ onto - wanted)
        first, onto = onto - flat, flat + second
        step = onto.clamp(lower, upper)
        second = onto - step
    return step


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 4))
def test_it_equals_the_slow_reference_where_the_change_can_be_had(seed: int, m: int):
    jacobian, rows = normal(2, m, 16, seed=seed), uniform(2, 16, seed=seed)
    rows[:, :4] = 0.0
    reachable = uniform(2, 16, seed=seed + 1) - rows
    wanted, wish = (jacobian @ reachable[:, :, None])[:, :, 0], normal(2, 16, seed=seed + 2)
    found = box_step(jacobian, wanted, -rows, 1 - rows, wish=wish)
    for row in range(2):
        exact = slow_box_step(jacobian[row], wanted[row], -rows[row], 1 - rows[row], wish[row])
        assert torch.allclose(found.step[row], exact, atol=1e-4)
    assert float(found.shortfall.abs().max()) < 1e-8


def test_without_active_bounds_it_is_the_pseudo_inverse():
    jacobian, wanted = normal(3, 2, 10), 1e-3 * normal(3, 2, seed=1)
    everywhere = torch.full((3, 10), 1e6).double()
    step = box_step(jacobian, wanted, -everywhere, everywhere).step
    exact = (torch.linalg.pinv(jacobian) @ wanted[:, :, None])[:, :, 0]
    assert torch.allclose(step, exact, atol=1e-12)


def test_the_box_is_kept_exactly_even_where_the_change_cannot_be_had():
    jacobian, rows = normal(4, 3, 20), uniform(4, 20)
    found = box_step(jacobian, 1e3 * normal(4, 3, seed=1), -rows, 1 - rows)
    assert bool(((found.step >= -rows) & (found.step <= 1 - rows)).all())
    assert bool(found.step.isfinite().all())
    assert bool((found.shortfall.norm(dim=1) > 0).all())


def test_bounds_without_zero_are_kept_too():
    one = torch.ones(1, 3).double()
    found = box_step(torch.eye(3).double()[None], 0 * one, one / 2, one)
    assert torch.equal(found.step, one / 2)
    assert torch.equal(found.shortfall, -one / 2)


def test_an_impossible_change_gets_the_best_approach():
    jacobian, rows = torch.ones(1, 1, 4).double(), torch.full((1, 4), 0.25).double()
    found = box_step(jacobian, torch.tensor([[100.0]]).double(), -rows, 1 - rows)
    assert torch.allclose(found.step, 1 - rows)


def test_damping_solves_the_ridge_problem():
    jacobian, wanted = normal(1, 2, 6), normal(1, 2, seed=1)
    wide = torch.full((1, 6), 1e6).double()
    step = box_step(jacobian, wanted, -wide, wide, damping=torch.tensor([0.7]).double()).step[0]
    ridge = jacobian[0].T @ torch.linalg.solve(jacobian[0] @ jacobian[0].T + 0.7 * torch.eye(2).double(), wanted[0])
    assert torch.allclose(step, ridge, atol=1e-10)


def test_frozen_coordinates_get_no_step():
    jacobian, rows = normal(2, 2, 10), uniform(2, 10)
    still = torch.zeros(2, 3).double()
    lower, upper = torch.cat([still, -rows[:, 3:]], 1), torch.cat([still, 1 - rows[:, 3:]], 1)
    assert bool((box_step(jacobian, normal(2, 2, seed=1), lower, upper).step[:, :3] == 0).all())


def test_dead_latents_do_no_harm():
    jacobian = normal(2, 3, 10)
    jacobian[:, 1] = 0
    rows = torch.full((2, 10), 0.5).double()
    wanted = torch.tensor([[0.1, 5.0, 0.1]] * 2).double()
    found = box_step(jacobian, wanted, -rows, 1 - rows)
    assert torch.allclose(found.shortfall, torch.tensor([[0.0, 5.0, 0.0]] * 2).double(), atol=1e-6)


def test_the_cone_holds_invisible_directions_that_stay_in_the_box():
    jacobian, rows = normal(3, 2, 12), uniform(3, 12)
    rows[:, :4], rows[:, 4:6] = 0.0, 1.0
    lower, upper = torch.zeros_like(rows), torch.ones_like(rows)
    cone = project_cone(jacobian, normal(3, 12, seed=1), rows, lower, upper)
    assert float((jacobian @ cone[:, :, None]).abs().max()) < 1e-8
    assert bool((cone[:, :4] >= 0).all())
    assert bool((cone[:, 4:6] <= 0).all())
    again = project_cone(jacobian, cone, rows, lower, upper)
    assert torch.allclose(again, cone, atol=1e-8)


def test_the_cone_of_a_corner_is_empty_toward_the_outside():
    jacobian, corner = torch.tensor([[[1.0, 0.0, 0.0]]]).double(), torch.ones(1, 3).double()
    outward = torch.tensor([[0.0, 1.0, 1.0]]).double()
    assert torch.equal(project_cone(jacobian, outward, corner, 0 * corner, corner), torch.zeros(1, 3).double())
