from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import linear_map, uniform

LATENT_MAP, MATRIX = linear_map(3, 8)


def test_an_image_lies_on_the_fiber_through_it():
    images = uniform(4, 8)
    assert float(fs.Fiber.through(LATENT_MAP, images).residual(images).abs().max()) == 0.0


def test_one_target_serves_all_rows():
    fiber = fs.Fiber(LATENT_MAP, torch.ones(3).double())
    assert fiber.residual(uniform(5, 8)).shape == (5, 3)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.ones(4).double(), r"target: expected a latent of length 3, .* found \(4,\)"),
        (torch.ones(3), "target: expected torch.float64 on cpu, found torch.float32"),
        (torch.full((3,), torch.inf).double(), "target: NaN or infinity"),
    ],
)
def test_a_target_that_is_no_latent_of_the_map_is_refused(target, message):
    with pytest.raises(fs.FiberscopeError, match=message):
        fs.Fiber(LATENT_MAP, target)


def test_a_target_brings_no_graph_with_it():
    target = MATRIX.sum(1).requires_grad_()
    found = fs.project(fs.Fiber(LATENT_MAP, 0.5 * target), uniform(2, 8))
    assert not found.points.requires_grad


def test_targets_and_images_must_pair_up():
    fiber = fs.Fiber(LATENT_MAP, torch.ones(2, 3).double())
    with pytest.raises(fs.FiberscopeError, match="target: 2 targets for 5 images"):
        fs.project(fiber, uniform(5, 8))


def test_a_box_needs_room_between_its_bounds():
    with pytest.raises(fs.FiberscopeError, match="box: lower must be below upper"):
        fs.Box(1.0, 1.0)
    with pytest.raises(fs.FiberscopeError, match="box: lower must be below upper"):
        fs.Box(float("nan"), 1.0)


def test_a_box_gives_each_coordinate_its_own_bounds():
    box = fs.Box(torch.zeros(8), torch.linspace(0.1, 1.0, 8))
    images = 0.05 * uniform(2, 8)
    fiber = fs.Fiber.through(LATENT_MAP, images, box=box)
    found = fs.project(fs.Fiber(LATENT_MAP, fiber.target + 0.1, box), images)
    assert bool((found.points <= torch.linspace(0.1, 1.0, 8)).all())


def test_a_box_that_fits_no_image_is_refused():
    with pytest.raises(fs.FiberscopeError, match=r"box: upper has shape \(5,\), which does not broadcast"):
        fs.Fiber(LATENT_MAP, torch.ones(3).double(), fs.Box(0.0, torch.ones(5)))
