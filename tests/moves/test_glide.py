"""Gliding: minima on kinks are reached, and more work finds little more."""

from __future__ import annotations

import torch

import fiberscope as fs
from fibers import EVERYWHERE, ellipse, linear_map, normal, uniform
from fiberscope.moves.glide import glide
from fiberscope.moves.setup import set_up
from networks import pairs

DIGITS = fs.data.mnist("test")


def valley() -> fs.LatentMap:
    """z = y - 5 |x|: the fiber of 0 is a sharp V with its kink at the origin."""
    return fs.LatentMap(lambda x: x[:, 1:] - 5 * x[:, :1].abs(), (2,), dtype=torch.float64)


def test_a_minimum_on_a_kink_is_reached_and_its_slope_says_so():
    images = torch.tensor([[0.3, -1.0], [-0.2, -2.0], [0.0, -0.5]], dtype=torch.float64)
    found = fs.nearest(fs.Fiber(valley(), torch.zeros(1).double(), EVERYWHERE), images).raise_if_failed()
    assert torch.allclose(found.distance, images.norm(dim=1), atol=0.01)
    assert float(found.stationarity[:2].min()) > 0.1  # one linear piece does not see that the other closes the way
    assert float(found.slope.max()) < 0.1


def test_where_something_nearer_is_left_the_slope_is_that_of_the_distance():
    latent_map, _ = linear_map(2, 12)
    fiber = fs.Fiber(latent_map, normal(2), EVERYWHERE)
    images, starts = normal(4, 12, seed=1), normal(4, 12, seed=2)
    found = fs.nearest(fiber, images, start=starts, num_steps=0)
    assert torch.allclose(found.slope, found.stationarity, atol=0.02)


def test_at_a_smooth_minimum_both_measures_are_zero():
    images = torch.tensor([[4.0, 3.0], [-5.0, 0.3]], dtype=torch.float64)
    found = fs.nearest(fs.Fiber(ellipse(), torch.ones(1).double(), EVERYWHERE), images, num_steps=100, gtol=1e-8)
    assert float(found.stationarity.max()) < 1e-6
    assert float(found.slope.abs().max()) < 0.1


def test_forty_steps_end_nearly_as_near_as_many_more_and_nothing_nearer_is_in_sight():
    latent_map = fs.LatentMap(fs.models.load("mnist-classifier").encoder, (1, 28, 28))
    sources, targets = pairs(16, seed=0)
    fiber, images = fs.Fiber.through(latent_map, DIGITS.images[targets]), DIGITS.images[sources]
    usual, long = fs.nearest(fiber, images).raise_if_failed(), fs.nearest(fiber, images, num_steps=160)
    assert float(usual.distance.mean()) < 1.03 * float(long.distance.mean())
    assert float(usual.slope.max()) < 0.1


def test_rows_stay_in_the_box_at_every_length_and_frozen_pixels_do_not_move():
    latent_map, _ = linear_map(3, 20)
    fiber, images = fs.Fiber.through(latent_map, uniform(4, 20, seed=1)), uniform(4, 20)
    setup = set_up(fiber, images, frozen=torch.arange(20) < 5, rtol=None, atol=0.0)
    for count in (1, 3, 10):
        rows = glide(latent_map, setup.rows, setup.task, lambda rows, _: 3 - rows, members=1, num_steps=count)
        assert bool(((rows >= 0) & (rows <= 1)).all())
        assert torch.equal(rows[:, :5], images[:, :5])
