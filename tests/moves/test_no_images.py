"""A batch of no images: every move gives an empty result of the shapes and dtypes that it gives elsewhere."""

from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs
from fiberscope.moves import walk_straight

SHAPE = (1, 6, 6)


class _Fussy(nn.Module):
    """Cannot be asked about no images, as whatever reshapes by ``view(len(x), -1)``."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 2, 3), nn.Linear(32, 3)

    def forward(self, images: Tensor) -> Tensor:
        assert len(images)
        return self.last(torch.tanh(self.first(images)).view(len(images), -1))


def _seen(points: Tensor) -> Tensor:
    return points.view(len(points), -1)[:, :4].square()


FROZEN = torch.zeros(SHAPE, dtype=torch.bool).index_fill(1, torch.tensor([0]), value=True)
MOVES = {
    "project": lambda fiber, x: fs.project(fiber, x, frozen=FROZEN),
    "walk": lambda fiber, x: fs.walk(fiber, x, torch.ones_like(x), num_steps=2, length=0.1, frozen=FROZEN),
    "straight": lambda fiber, x: walk_straight(fiber, x, torch.ones_like(x), num_steps=2),
    "nearest": lambda fiber, x: fs.nearest(fiber, x, start=x, measure=_seen, frozen=FROZEN, num_steps=2),
    "farthest": lambda fiber, x: fs.farthest(fiber, x, measure=_seen, frozen=FROZEN, num_steps=2),
    "farthest from a start": lambda fiber, x: fs.farthest(fiber, x, start=x, num_steps=2),
    "extremes": lambda fiber, x: fs.extremes(fiber, x, torch.ones(SHAPE), frozen=FROZEN, num_steps=2),
    "spread": lambda fiber, x: fs.spread(fiber, torch.stack([x, x / 2, x / 3], 1), measure=_seen, num_steps=2),
    "segment": lambda fiber, x: fs.segment(fiber, x, x / 2, num_samples=3),
    "follow": lambda fiber, x: fs.follow([fiber, fiber], x),
}
IN_TUBES = {
    "boundary": lambda tube, x: fs.boundary(tube, x, torch.ones(2, *x.shape), length=0.1, frozen=FROZEN),
    "widths": lambda tube, x: fs.widths(tube, x, length=0.1),
}


@pytest.fixture(params=["dense", "by products"])
def latent_map(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> fs.LatentMap:
    if request.param == "by products":
        monkeypatch.setattr(import_module("fiberscope.geometry.differentiate"), "DENSE_BYTES", 0)
    torch.manual_seed(0)
    return fs.LatentMap(_Fussy().eval(), SHAPE)


def _described(found: object, batch: int) -> object:
    """Shapes, with the batch left out, and dtypes of all tensors in a result."""
    if isinstance(found, Tensor):
        return [side for side in found.shape if side != batch], found.dtype
    if isinstance(found, tuple) and hasattr(found, "_fields"):
        parts = zip(found._fields, found, strict=True)
        return {name: _described(part, batch) for name, part in parts if name not in ("outcome", "end")}
    if isinstance(found, tuple):
        return [_described(part, batch) for part in found]
    return None


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("in_tube", [False, True])
def test_every_move_of_no_images_is_empty_and_shaped_as_ever(latent_map: fs.LatentMap, move: str, in_tube: bool):
    images = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(0))
    described = []
    for batch in (5, 0):
        fiber = fs.Fiber.through(latent_map, images[:batch])
        found = MOVES[move](fs.Tube(fiber, radius=1.0) if in_tube else fiber, images[:batch])
        described.append(_described(found, batch))
    assert described[0] == described[1]
    assert getattr(found, "outcome", ()) == ()


@pytest.mark.parametrize("move", IN_TUBES)
def test_every_move_inside_tubes_of_no_images_is_empty_and_shaped_as_ever(latent_map: fs.LatentMap, move: str):
    images = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(0))
    described = []
    for batch in (5, 0):
        tube = fs.Tube(fs.Fiber.through(latent_map, images[:batch]), radius=torch.ones(batch))
        found = IN_TUBES[move](tube, images[:batch])
        described.append(_described(found, batch))
    assert described[0] == described[1]
    some = found.forward if move == "widths" else found
    assert some.at_surface.shape == some.distance.shape
    assert some.at_surface.dtype == torch.bool


def test_one_target_for_all_rows_serves_no_rows_too(latent_map: fs.LatentMap):
    found = fs.project(fs.Fiber(latent_map, torch.zeros(3)), torch.rand(0, *SHAPE)).raise_if_failed()
    assert found.points.shape == (0, *SHAPE)


def test_the_geometry_at_no_images_is_empty(latent_map: fs.LatentMap):
    images = torch.rand(0, *SHAPE)
    rows = images.flatten(1)
    split = fs.split_tangent(fs.jacobian(latent_map, images))
    assert split.row_basis.shape == (0, 36, 3)
    assert fs.geometry.range_finder(latent_map, images, count=2).row_basis.shape == (0, 36, 2)
    picture = fs.geometry.ellipsoid(split, 1.0)
    assert picture.semi_axes.shape == (0, 3)
    assert picture.half_width(rows).shape == picture.support(rows).shape == (0,)
    factor = fs.geometry.covariance_factor(torch.rand(50, 36))
    for basis in (
        fs.geometry.svd_basis(split, count=2),
        fs.geometry.smooth_basis(split, SHAPE, count=2),
        fs.geometry.toward_basis(split, rows, torch.rand(0, 2, 36)),
        fs.geometry.data_basis(split, factor, count=2),
    ):
        assert basis.directions.shape == (0, 2, 36)
        assert basis.weights.shape == (0, 2)
    assert fs.geometry.invisible_share(split, factor).shape == (0,)
    wanted = torch.zeros(0, 3)
    step = fs.geometry.linear_extreme(fs.jacobian(latent_map, images), wanted, rows, rows, rows, radius=torch.ones(0))
    assert step.shape == (0, 36)
