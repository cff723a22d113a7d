from __future__ import annotations

import math

import pytest
import torch

import fiberscope as fs
from fibers import linear_map, normal, uniform, wavy_map
from fiberscope.variations import Variation, catalogue, choose, invariance_range, response

OPEN = fs.Box(-math.inf, math.inf)
DIRECTION = normal(12, seed=3)
ALONG = Variation("along", "", -2.0, 3.0, lambda x, a: x + a[:, None] * DIRECTION)


def test_on_a_linear_map_the_curve_is_a_cone():
    latent_map, matrix = linear_map(3, 12)
    found = response(latent_map, uniform(4, 12), ALONG, scale=2.0, amounts=(-1.0, 0.0, 0.5), box=OPEN)
    exact = torch.tensor([1.0, 0.0, 0.5]).double() * (matrix @ DIRECTION).norm() / 2
    assert torch.allclose(found.distance, exact[:, None].expand(3, 4))
    assert found.classes is None
    assert float(found.clipped.max()) == 0
    way = torch.tensor([1.0, 0.0, 0.5]).double() * DIRECTION.norm()
    assert torch.allclose(found.moved, way[:, None].expand(3, 4))


def test_an_image_that_a_variation_leaves_as_it_is_has_moved_by_exactly_nothing():
    latent_map = fs.LatentMap(lambda x: x.flatten(1)[:, :3], (1, 28, 28), dtype=torch.float32)
    images = torch.stack([torch.full((1, 28, 28), 0.3), torch.rand(1, 28, 28, generator=torch.Generator())])
    (turn,) = choose(catalogue((1, 28, 28)), ["rotation"])
    moved = response(latent_map, images, turn, scale=1.0).moved
    assert float(moved[:, 0].max()) == 0
    assert float(moved[:, 1].max()) > 1


def test_on_a_linear_map_the_range_is_the_scale_over_the_slope():
    latent_map, matrix = linear_map(3, 12)
    exact = 4.0 / float((matrix @ DIRECTION).norm())
    found = invariance_range(latent_map, uniform(4, 12), ALONG, scale=4.0, box=OPEN).distance
    assert 0.1 < exact < 2
    assert torch.allclose(found.high, torch.full((4,), exact).double(), atol=1e-5)
    assert torch.allclose(found.low, torch.full((4,), -exact).double(), atol=1e-5)


def test_the_class_changes_where_the_hyperplane_is():
    latent_map, _ = linear_map(3, 12)
    images, normal_vector = uniform(5, 12), normal(12, seed=7)
    offset = (images @ normal_vector).median() + 0.3
    predict = lambda x: (x @ normal_vector > offset).long()  # noqa: E731
    exact = (offset - images @ normal_vector) / (DIRECTION @ normal_vector)
    found = invariance_range(latent_map, images, ALONG, scale=1.0, predict=predict, box=OPEN).label
    for i, amount in enumerate(exact.tolist()):
        high = amount if 0 < amount <= 3 else math.inf
        low = amount if -2 <= amount < 0 else -math.inf
        assert float(found.high[i]) == pytest.approx(high, abs=1e-5)
        assert float(found.low[i]) == pytest.approx(low, abs=1e-5)
    assert {math.isinf(value) for value in found.high.tolist()} == {True, False}
    curve = response(latent_map, images, ALONG, scale=1.0, amounts=(0.0, 3.0), predict=predict, box=OPEN)
    assert torch.equal(curve.classes[0] != curve.classes[1], found.high.isfinite())


def test_a_map_of_total_brightness_never_leaves_on_a_shift():
    latent_map = fs.LatentMap(lambda x: x.flatten(1).sum(dim=1, keepdim=True), (1, 28, 28), dtype=torch.float64)
    images = torch.nn.functional.pad(0.2 + 0.6 * uniform(2, 1, 8, 8), (10, 10, 10, 10))
    (shift,) = choose(catalogue((1, 28, 28)), ["translation x"])
    curve = response(latent_map, images, shift, scale=1.0, box=OPEN)
    assert float(curve.distance.max()) < 1e-12
    found = invariance_range(latent_map, images, shift, scale=1e-9, box=OPEN)
    assert bool((found.distance.high == math.inf).all())
    assert bool((found.distance.low == -math.inf).all())
    assert found.label is None


def test_a_way_that_a_variation_does_not_go_is_not_a_number():
    latent_map, _ = linear_map(3, 12)
    noise = choose(catalogue((12,)), ["noise"])[0]
    found = invariance_range(latent_map, uniform(2, 12), noise, scale=0.5).distance
    assert bool(found.low.isnan().all())
    assert bool(found.high.isfinite().all())


def test_the_curve_is_that_of_images_in_the_box():
    latent_map = fs.LatentMap(lambda x: x, (2,), dtype=torch.float64)
    brighter = choose(catalogue((2,)), ["brightness"])[0]
    found = response(latent_map, torch.tensor([[1.0, 0.9]]).double(), brighter, scale=0.1, amounts=(0.0, 50.0))
    assert torch.allclose(found.distance, torch.tensor([[0.0], [1.0]]).double(), atol=1e-12)
    assert float(found.clipped[1]) == pytest.approx(math.hypot(0.5, 0.4) / math.hypot(0.5, 0.5))


def test_the_range_ends_where_the_curve_crosses_the_scale():
    latent_map, images = wavy_map(3, 12), uniform(6, 12)
    gamma = choose(catalogue((12,)), ["gamma"])[0]
    whole = response(latent_map, images, gamma, scale=1.0, amounts=(gamma.high,)).distance
    scale = float(whole.median()) / 2
    found = invariance_range(latent_map, images, gamma, scale=scale).distance
    assert bool(found.high.isfinite().any())
    for i, amount in enumerate(found.high.tolist()):
        if math.isfinite(amount):
            there = response(latent_map, images[i : i + 1], gamma, scale=scale, amounts=(amount,))
            assert float(there.distance) == pytest.approx(1, abs=1e-3)


def test_rows_do_not_talk_to_each_other():
    latent_map, images = wavy_map(3, 12), uniform(4, 12)
    predict = lambda x: (latent_map(x)[:, 0] > 0.3).long()  # noqa: E731
    for variation in catalogue((12,)):
        whole = invariance_range(latent_map, images, variation, scale=0.2, predict=predict)
        alone = invariance_range(latent_map, images[2:3], variation, scale=0.2, predict=predict)
        for one, all_rows in zip((*alone.distance, *alone.label), (*whole.distance, *whole.label), strict=True):
            assert torch.allclose(one[0], all_rows[2], equal_nan=True, atol=1e-9)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_that_is_no_distance_is_refused(scale):
    latent_map, _ = linear_map(3, 12)
    for ask in (response, invariance_range):
        with pytest.raises(fs.FiberscopeError, match=r"^scale"):
            ask(latent_map, uniform(2, 12), ALONG, scale=scale)


def test_logits_are_not_classes():
    latent_map, _ = linear_map(3, 12)
    with pytest.raises(fs.FiberscopeError, match=r"^predict.*argmax"):
        response(latent_map, uniform(2, 12), ALONG, scale=1.0, predict=lambda x: x)


def test_a_latent_that_is_not_finite_is_no_invariance():
    latent_map = fs.LatentMap(lambda x: x.log1p(), (12,), dtype=torch.float64)
    far = Variation("far", "", -2.0, 0.0, lambda x, a: x + a[:, None])
    with pytest.raises(fs.FiberscopeError, match=r"^latent_map: NaN"):
        invariance_range(latent_map, uniform(2, 12), far, scale=1.0, box=OPEN)
