"""Frozen pixels stay to the last bit and the box holds exactly, in every move."""

from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs
from fiberscope.moves.arguments import check_count, check_mask, check_tensor, is_count

FROZEN = torch.arange(12) % 3 == 0
MOVES = {
    "project": lambda fiber, x, **on: fs.project(fiber, x, **on).points,
    "follow": lambda fiber, x, **on: fs.follow([fiber], x, **on)[-1].points,
    "nearest": lambda fiber, x, **on: fs.nearest(fiber, x, num_steps=3, **on).points,
    "farthest": lambda fiber, x, **on: fs.farthest(fiber, x, num_steps=3, **on).points,
    "farthest from a start": lambda fiber, x, **on: fs.farthest(fiber, x.flip(0), start=x, num_steps=3, **on).points,
    "lowest": lambda fiber, x, **on: fs.extremes(fiber, x, torch.ones(12), num_steps=3, **on).lowest.points,
    "highest": lambda fiber, x, **on: fs.extremes(fiber, x, torch.ones(12), num_steps=3, **on).highest.points,
    "walk": lambda fiber, x, **on: fs.walk(fiber, x, torch.ones_like(x), length=1.0, num_steps=2, **on).points[-1],
    "spread": lambda fiber, x, **on: fs.spread(fiber, _pairs(x), num_steps=3, **on).points[:, 1],
}


def _pairs(images: Tensor) -> Tensor:
    return torch.stack([torch.where(FROZEN, images, images * 0.9), images], dim=1)


def _fiber(box: fs.Box, goals: Tensor) -> fs.Fiber:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 2)).eval()
    return fs.Fiber.through(fs.LatentMap(network, (12,)), goals, box=box)


def _images(seed: int) -> Tensor:
    return torch.rand(4, 12, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("in_tube", [False, True])
@pytest.mark.parametrize("move", MOVES)
def test_frozen_pixels_keep_their_bits(move: str, in_tube: bool):
    images = _images(0)
    fiber = _fiber(fs.Box(), torch.where(FROZEN, images, _images(1)))
    points = MOVES[move](fs.Tube(fiber, 0.05) if in_tube else fiber, images, frozen=FROZEN)
    assert torch.equal(points[:, FROZEN].view(torch.int32), images[:, FROZEN].view(torch.int32))
    assert not torch.equal(points, images)


@pytest.mark.parametrize("move", ["project", "nearest", "farthest", "walk", "spread"])
def test_frozen_pixels_keep_their_bits_where_no_jacobian_is_formed(move: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(import_module("fiberscope.geometry.differentiate"), "DENSE_BYTES", 0)
    images = _images(0)
    points = MOVES[move](_fiber(fs.Box(), torch.where(FROZEN, images, _images(1))), images, frozen=FROZEN)
    assert torch.equal(points[:, FROZEN], images[:, FROZEN])


BOXES = {
    "numbers that float32 rounds outward": fs.Box(-0.1, 1.1),
    "a double for each pixel": fs.Box(
        -torch.linspace(0.1, 0.3, 12, dtype=torch.float64), 1 + torch.linspace(0.1, 0.3, 12, dtype=torch.float64)
    ),
    "open above": fs.Box(torch.full((12,), -0.1, dtype=torch.float64), torch.full((12,), torch.inf)),
}


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("move", MOVES)
def test_no_point_leaves_the_box_not_even_by_the_rounding_of_its_bounds(move: str, box: str):
    images = _images(2)
    points = MOVES[move](_fiber(BOXES[box], _images(1)), images).double()
    lower, upper = (torch.as_tensor(bound, dtype=torch.float64) for bound in (BOXES[box].lower, BOXES[box].upper))
    assert bool(((points >= lower) & (points <= upper)).all())


def test_farthest_leaves_frozen_pixels_on_the_image_whatever_the_opposite_corner_is():
    latent_map = fs.LatentMap(lambda x: x[:, :1], (3,), dtype=torch.float64)
    images = torch.tensor([[0.5, 0.2, 0.7]], dtype=torch.float64)
    found = fs.farthest(fs.Fiber.through(latent_map, images), images, frozen=torch.tensor([False, True, False]))
    assert torch.allclose(found.points, torch.tensor([[0.5, 0.2, 0.0]]).double())
    assert float(found.points[0, 1]) == 0.2


@pytest.mark.parametrize("value", [1.5, 3.0, float("nan"), "3", None, True, torch.tensor(3)])
def test_what_is_no_whole_number_is_no_count(value: object):
    assert not is_count(value, least=0)
    with pytest.raises(fs.FiberscopeError, match=r"^count: expected a whole number"):
        check_count("count", value)


@pytest.mark.parametrize("value", [True, -1])
def test_counts_that_are_none_are_told(value: object):
    images = _images(0)
    fiber = _fiber(fs.Box(), images)
    for call in (
        lambda: fs.project(fiber, images, num_steps=value),
        lambda: fs.project(fiber, images, num_restarts=value),
        lambda: fs.walk(fiber, images, images, num_steps=value),
        lambda: fs.nearest(fiber, images, num_steps=value),
        lambda: fs.farthest(fiber, images, num_steps=value),
        lambda: fs.extremes(fiber, images, torch.ones(12), num_steps=value),
        lambda: fs.spread(fiber, _pairs(images), num_steps=value),
        lambda: fs.segment(fiber, images, images, num_samples=value),
    ):
        with pytest.raises(fs.FiberscopeError, match=r"num_(steps|restarts|samples)"):
            call()


@pytest.mark.parametrize("value", [float("nan"), -1.0, float("inf")])
def test_tolerances_that_are_none_are_told(value: object):
    images = _images(0)
    fiber = _fiber(fs.Box(), images)
    for call in (
        lambda: fs.project(fiber, images, rtol=value),
        lambda: fs.project(fiber, images, atol=value),
        lambda: fs.nearest(fiber, images, gtol=value),
        lambda: fs.walk(fiber, images, images, length=value),
    ):
        with pytest.raises(fs.FiberscopeError, match=r"rtol, atol|gtol|length"):
            call()


def test_what_is_no_mask_is_told():
    for mask in ([True] * 12, torch.ones(12), FROZEN[:11], None):
        with pytest.raises(fs.FiberscopeError, match=r"^frozen: expected a boolean mask"):
            check_mask(mask, (12,), 4)
    with pytest.raises(fs.FiberscopeError, match=r"^weights: expected a torch tensor, found list"):
        check_tensor("weights", [1.0] * 12)
