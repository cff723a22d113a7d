from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import EVERYWHERE, linear_map, normal


def fiber() -> fs.Fiber:
    latent_map, _ = linear_map(3, 8)
    return fs.Fiber(latent_map, normal(4, 3), EVERYWHERE)


def test_a_tube_has_the_map_the_target_and_the_box_of_its_fiber():
    inner = fiber()
    tube = fs.Tube(inner, radius=0.5)
    assert (tube.latent_map, tube.box) == (inner.latent_map, inner.box)
    assert torch.equal(tube.target, inner.target)
    assert torch.equal(tube.residual(normal(4, 8)), inner.residual(normal(4, 8)))


def test_one_radius_serves_all_rows_and_a_fiber_has_none():
    assert fs.Tube(fiber(), radius=0.5).radii(4).tolist() == [0.5] * 4
    assert fs.Tube(fiber(), radius=torch.arange(1.0, 5.0)).radii(4).tolist() == [1, 2, 3, 4]
    assert fiber().radii(4).tolist() == [0] * 4


@pytest.mark.parametrize("radius", [0.0, -1.0, float("nan"), float("inf"), torch.tensor([0.5, 0.0, 1.0, 1.0])])
def test_a_radius_that_is_not_positive_and_finite_is_refused(radius: float):
    with pytest.raises(fs.FiberscopeError, match=r"radius: expected positive and finite.*explore the Fiber"):
        fs.Tube(fiber(), radius)


def test_radii_that_do_not_match_the_images_are_refused():
    with pytest.raises(fs.FiberscopeError, match="radius: 3 radii for 4 images"):
        fs.project(fs.Tube(fiber(), torch.ones(3)), normal(4, 8))


@pytest.mark.parametrize("radius", ["25%", None])
def test_words_are_no_radius_and_the_function_that_reads_them_is_named(radius):
    with pytest.raises(fs.FiberscopeError, match="radius_of"):
        unwrapped(fiber(), radius)


def unwrapped(inner: fs.Fiber, radius: object) -> None:
    """Past the types that tests check, as a user meets it."""
    tube = object.__new__(fs.Tube)
    object.__setattr__(tube, "fiber", inner)
    object.__setattr__(tube, "radius", radius)
    fs.Tube.__post_init__(tube)
