from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fiberscope as fs
from fibers import EVERYWHERE, TORUS_RADII, ellipse, linear_map, normal, sphere, torus, uniform, wavy_map
from fiberscope.moves import project
from fiberscope.moves.project import reach
from fiberscope.moves.setup import set_up


def test_projection_onto_a_linear_fiber_is_the_orthogonal_one():
    latent_map, matrix = linear_map(3, 8)
    images, target = normal(6, 8), normal(3, seed=1)
    found = project(fs.Fiber(latent_map, target, EVERYWHERE), images)
    exact = images - (images @ matrix.T - target) @ torch.linalg.pinv(matrix).T
    assert torch.allclose(found.points, exact, atol=1e-8)


def test_projection_onto_a_linear_fiber_in_a_box_is_the_nearest_point_of_it():
    latent_map, matrix = linear_map(3, 40)
    images = (uniform(5, 40) - 0.2).clamp(0, 1)  # a fifth of the coordinates starts on a face
    found = project(fs.Fiber.through(latent_map, uniform(5, 40, seed=1)), images)
    shift = found.points - images
    inside = (found.points > 0) & (found.points < 1)
    assert bool((~inside).any())
    for row in range(5):
        # Karush, Kuhn and Tucker: D = clip(Aᵀ l), so where no bound holds D lies in the row space of A, and where one
        # holds Aᵀ l points out of the box.
        free, rows = inside[row], matrix.T
        multiplier = torch.linalg.lstsq(rows[free], shift[row, free]).solution
        assert torch.allclose(rows[free] @ multiplier, shift[row, free], atol=1e-8)
        outward = torch.where(found.points[row] == 0, -1.0, 1.0)
        assert bool(((outward * (rows @ multiplier - shift[row]))[~free] >= -1e-8).all())


def test_projection_onto_a_sphere_is_radial():
    images = normal(7, 5)
    found = project(fs.Fiber(sphere(), torch.tensor([4.0], dtype=torch.float64), EVERYWHERE), images)
    assert torch.allclose(found.points, 2 * images / images.norm(dim=1, keepdim=True), atol=1e-8)


def test_projection_onto_an_ellipse_lies_on_it():
    found = project(fs.Fiber(ellipse(), torch.tensor([1.0], dtype=torch.float64), EVERYWHERE), normal(9, 2))
    assert torch.allclose((found.points / torch.tensor([3.0, 1.0])).square().sum(1), torch.ones(9).double(), atol=1e-8)


def test_projection_onto_a_torus_stays_in_its_meridian_plane():
    large, small = TORUS_RADII
    images = normal(9, 3, seed=3)
    found = project(fs.Fiber(torus(), torch.tensor([small**2], dtype=torch.float64), EVERYWHERE), images)
    ring = found.points[:, :2].norm(dim=1)
    assert torch.allclose((ring - large) ** 2 + found.points[:, 2] ** 2, torch.full((9,), small**2).double(), atol=1e-8)
    cross = images[:, 0] * found.points[:, 1] - images[:, 1] * found.points[:, 0]
    assert torch.allclose(cross, torch.zeros(9).double(), atol=1e-8)


def test_a_point_on_the_fiber_stays_where_it_is():
    latent_map = wavy_map(3, 12)
    images = uniform(4, 12)
    found = project(fs.Fiber.through(latent_map, images), images)
    assert torch.equal(found.points, images)
    assert found.num_jacobians.tolist() == [0, 0, 0, 0]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 5), n=st.integers(12, 40))
def test_the_latent_of_an_image_in_the_box_is_reached_inside_the_box(seed: int, m: int, n: int):
    latent_map = wavy_map(m, n, seed=seed)
    fiber = fs.Fiber.through(latent_map, uniform(3, n, seed=seed + 1))
    found = project(fiber, uniform(3, n, seed=seed + 2).round()).raise_if_failed()
    assert bool(((found.points >= 0) & (found.points <= 1)).all())
    assert bool((fiber.residual(found.points).norm(dim=1) <= 1e-10 * fiber.target.norm(dim=1)).all())


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_retraction_agrees_with_the_tangent_step_to_second_order(seed: int):
    latent_map = wavy_map(2, 6, seed=seed)
    images = normal(1, 6, seed=seed)
    fiber = fs.Fiber.through(latent_map, images, box=EVERYWHERE)
    split = fs.split_tangent(fs.jacobian(latent_map, images))
    tangent = torch.nn.functional.normalize(split.project_tangent(normal(1, 6, seed=seed + 1)), dim=1)
    errors = [float((project(fiber, images + t * tangent).points - images - t * tangent).norm()) for t in (2e-3, 1e-3)]
    assert errors[1] <= errors[0] / 3.5 + 1e-12


def test_rows_do_not_talk_to_each_other():
    latent_map = wavy_map(3, 20)
    fiber = fs.Fiber.through(latent_map, uniform(6, 20, seed=1))
    images = uniform(6, 20, seed=2).round()
    together = project(fiber, images).points
    for row in range(6):
        alone = project(fs.Fiber(latent_map, fiber.target[row]), images[row : row + 1]).points
        assert torch.allclose(alone[0], together[row], atol=1e-8)


def test_an_invertible_change_of_latents_changes_no_membership():
    latent_map, mixing = wavy_map(3, 20), normal(3, 3, seed=9)
    images, others = uniform(4, 20, seed=1), uniform(4, 20, seed=2)
    mixed = fs.LatentMap(lambda x: latent_map(x) @ mixing.T, (20,), dtype=torch.float64)
    found = project(fs.Fiber.through(mixed, others), images).raise_if_failed()
    assert float(fs.Fiber.through(latent_map, others).residual(found.points).abs().max()) < 1e-8


def test_frozen_pixels_do_not_move():
    latent_map = wavy_map(2, 30)
    images, frozen = uniform(3, 30), torch.arange(30) < 10
    found = project(fs.Fiber.through(latent_map, uniform(3, 30, seed=1)), images, frozen=frozen).raise_if_failed()
    assert torch.equal(found.points[:, :10], images[:, :10])
    assert not torch.equal(found.points[:, 10:], images[:, 10:])


def test_an_unreachable_target_gets_its_best_approach():
    latent_map = fs.LatentMap(lambda x: x.sum(1, keepdim=True), (4,), dtype=torch.float64)
    found = project(fs.Fiber(latent_map, torch.tensor([9.0], dtype=torch.float64)), uniform(1, 4))
    assert found.outcome == (fs.Outcome.UNREACHABLE,)
    assert torch.allclose(found.points, torch.ones(1, 4).double())
    with pytest.raises(fs.MoveFailedError, match=r"row 0: unreachable inside the box.*widen the box"):
        found.raise_if_failed()


def test_an_unreachable_row_spoils_no_other():
    latent_map = fs.LatentMap(lambda x: x.sum(1, keepdim=True), (4,), dtype=torch.float64)
    target = torch.tensor([[9.0], [2.0]], dtype=torch.float64)
    found = project(fs.Fiber(latent_map, target), uniform(2, 4))
    assert found.outcome == (fs.Outcome.UNREACHABLE, fs.Outcome.CONVERGED)


def test_a_dead_latent_is_an_outcome_and_no_crash():
    latent_map = fs.LatentMap(lambda x: torch.stack([x.sum(1), 0 * x.sum(1)], 1), (4,), dtype=torch.float64)
    found = project(fs.Fiber(latent_map, torch.tensor([1.0, 1.0], dtype=torch.float64)), uniform(2, 4))
    assert found.outcome == (fs.Outcome.RANK_DEFICIENT,) * 2
    assert bool(found.points.isfinite().all())


def test_a_dead_latent_that_needs_no_move_does_not_stand_in_the_way():
    latent_map = fs.LatentMap(lambda x: torch.stack([x.sum(1), 0 * x.sum(1)], 1), (4,), dtype=torch.float64)
    found = project(fs.Fiber(latent_map, torch.tensor([1.0, 0.0], dtype=torch.float64)), uniform(2, 4))
    assert found.outcome == (fs.Outcome.CONVERGED,) * 2


def test_a_model_that_turns_infinite_is_an_outcome():
    latent_map = fs.LatentMap(lambda x: 1 / (x.sum(1, keepdim=True)), (2,), dtype=torch.float64)
    images = torch.tensor([[0.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    found = project(fs.Fiber(latent_map, torch.tensor([2.0], dtype=torch.float64)), images, num_restarts=0)
    assert found.outcome == (fs.Outcome.NOT_FINITE, fs.Outcome.CONVERGED)


def test_a_target_of_zero_is_reached():
    latent_map = fs.LatentMap(lambda x: x.sum(1, keepdim=True), (4,), dtype=torch.float64)
    found = project(fs.Fiber(latent_map, torch.zeros(1).double()), uniform(1, 4), atol=1e-9).raise_if_failed()
    assert float(found.points.sum()) <= 1e-9


def test_converged_rows_leave_the_batch():
    sizes = []

    def counted(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        return x.square().sum(1, keepdim=True)

    latent_map = fs.LatentMap(counted, (4,), dtype=torch.float64)
    images = uniform(8, 4)
    target = latent_map(images)
    target[0] += 0.5
    rows, task, _ = set_up(fs.Fiber(latent_map, target), images, frozen=None, rtol=None, atol=0.0)
    sizes.clear()
    reach(latent_map, rows, task, num_steps=30, num_restarts=0)
    assert sizes[0] == 8
    assert set(sizes[1:]) == {1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": -1.0}, "rtol, atol: expected finite, non-negative"),
        ({"rtol": 0.0}, "not both zero"),
        ({"rtol": float("inf")}, "expected finite"),
        ({"num_steps": -1}, "num_steps, num_restarts: expected at least one step"),
        ({"frozen": torch.zeros(3, dtype=torch.bool)}, r"frozen: expected a boolean mask of shape \(4,\)"),
    ],
)
def test_bad_options_are_named(options, message):
    latent_map = sphere(4)
    with pytest.raises(fs.FiberscopeError, match=message):
        project(fs.Fiber(latent_map, torch.ones(1).double()), uniform(2, 4), **options)


class _Remembering(torch.nn.Module):
    """Weighs pixels by a table that it makes for each number of images and keeps, as masks of attention are."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(6, 2, dtype=torch.float64)
        self.tables: dict[int, torch.Tensor] = {}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        count = len(images)
        if count not in self.tables:
            self.tables[count] = images.new_full((count, 6), 0.5).cumsum(dim=1)
        return torch.tanh(self.layer(images * self.tables[count]))


def test_what_is_found_can_be_differentiated_at_and_so_can_a_network_that_keeps_what_it_made_in_a_search():
    torch.manual_seed(0)
    latent_map = fs.LatentMap(_Remembering(), (6,), dtype=torch.float64)
    images = uniform(60, 6)  # rows that arrive leave, so that many numbers of images are met in the midst of a search
    found = project(fs.Fiber.through(latent_map, images), uniform(60, 6, seed=1))
    for count in range(1, 61):
        points = found.points[:count].clone().requires_grad_()
        (slope,) = torch.autograd.grad(latent_map(points).sum(), points)
        assert bool(slope.isfinite().all())
