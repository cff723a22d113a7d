from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fibers import uniform
from fiberscope.variations import catalogue, choose
from fiberscope.variations.smooth import diffuse

DIGIT, PHOTO = (1, 28, 28), (3, 32, 20)
ALL = [pytest.param(v, shape, id=f"{v.name} {shape}") for shape in (DIGIT, PHOTO) for v in catalogue(shape)]


def pictures(count, shape, *, seed=0):
    """Smooth blobs inside the box, as images are and noise is not."""
    noise = uniform(count, *shape, seed=seed)
    blurred = diffuse(noise, torch.full((count,), 3.0).double())
    return (0.5 + 2.0 * (blurred - blurred.mean(dim=(1, 2, 3), keepdim=True))).clamp(0.02, 0.98)


def full(amount, images):
    return torch.full((len(images),), amount, dtype=images.dtype)


def variation(name, shape=DIGIT, **more):
    return choose(catalogue(shape, **more), [name])[0]


@pytest.mark.parametrize(("variation", "shape"), ALL)
def test_amount_zero_leaves_the_image_to_the_last_bit(variation, shape):
    for dtype in (torch.float32, torch.float64):
        images = pictures(2, shape).to(dtype)
        assert torch.equal(variation.changed(images, full(0.0, images)), images)


@pytest.mark.parametrize(("variation", "shape"), ALL)
def test_the_tangent_is_the_limit_of_difference_quotients(variation, shape):
    images = pictures(2, shape)
    tangent, step = variation.tangent(images), 3e-5 * (variation.high - variation.low)
    one, two = (variation.changed(images, full(amount, images)) for amount in (step, 2 * step))
    if variation.low < 0:
        quotient = (one - variation.changed(images, full(-step, images))) / (2 * step)
    else:
        quotient = (4 * one - 3 * images - two) / (2 * step)
    assert float(tangent.norm()) > 0
    assert float((tangent - quotient).norm() / tangent.norm()) < 1e-5


@pytest.mark.parametrize(("variation", "shape"), ALL)
def test_single_precision_gives_the_same_tangent(variation, shape):
    images = pictures(2, shape)
    tangent = variation.tangent(images.float())
    assert tangent.dtype == torch.float32
    assert float((tangent - variation.tangent(images)).norm() / tangent.norm()) < 1e-4


@pytest.mark.parametrize(("variation", "shape"), ALL)
def test_rows_do_not_talk_to_each_other(variation, shape):
    images = pictures(3, shape)
    amounts = torch.tensor([variation.high, variation.high / 3, variation.high / 7]).double()
    together = variation.changed(images, amounts)
    for i in range(3):
        alone = variation.changed(images[i : i + 1], amounts[i : i + 1])
        assert torch.allclose(alone[0], together[i], atol=1e-12)
        assert torch.allclose(variation.tangent(images[i : i + 1])[0], variation.tangent(images)[i], atol=1e-12)


@pytest.mark.parametrize(("variation", "shape"), ALL)
def test_the_whole_range_changes_the_image_and_stays_in_the_box(variation, shape):
    images = pictures(2, shape)
    orbit = variation.orbit(images, torch.tensor(variation.grid(2)))
    assert orbit.images.shape == (len(variation.grid(2)), 2, *shape)
    assert 0 <= float(orbit.images.min()) <= float(orbit.images.max()) <= 1
    ends = [i for i, amount in enumerate(variation.grid(2)) if amount in (variation.low, variation.high) and amount]
    for i in ends:
        assert float((orbit.images[i] - images).flatten(1).norm(dim=1).min()) > 0.1
    assert bool((orbit.clipped >= 0).all())
    assert bool((orbit.clipped <= 1).all())


@pytest.mark.parametrize(("variation", "shape"), ALL)
def test_every_variation_says_what_it_does_in_units(variation, shape):
    assert variation.sentence.endswith(".")
    assert variation.unit in ("px", "px²", "°", "%")


def test_translation_moves_right_and_down():
    images = torch.zeros(1, *DIGIT, dtype=torch.float64)
    images[..., 10, 12] = 1
    right, down = variation("translation x"), variation("translation y")
    assert float(right.changed(images, full(3.0, images))[..., 10, 15]) == 1
    assert float(down.changed(images, full(3.0, images))[..., 13, 12]) == 1


def test_rotation_by_a_right_angle_is_counter_clockwise():
    images = pictures(2, DIGIT)
    turned = variation("rotation").changed(images, full(90.0, images))
    assert torch.allclose(turned, torch.rot90(images, 1, (2, 3)), atol=1e-6)


def test_scale_and_shear_move_a_ramp_as_they_say():
    right = (torch.arange(28.0).double() - 13.5).expand(1, 1, 28, 28)
    down = right.transpose(2, 3)
    inner = (..., slice(6, -6), slice(6, -6))
    larger = variation("scale").changed(right, full(25.0, right))
    assert torch.allclose(larger[inner], (right / 1.25)[inner], atol=1e-10)
    # What stands upright leans to the right: above the middle, values come from further left.
    leaning = variation("shear").changed(right, full(20.0, right))
    slope = torch.tensor(20.0).deg2rad().tan().double()
    assert torch.allclose(leaning[inner], (right + slope * down)[inner], atol=1e-6)


def test_stroke_thickness_widens_a_bar_by_about_its_amount():
    across = torch.arange(28.0).double() - 13.5
    bar = torch.sigmoid(4 * (3 - across.abs())).expand(1, 1, 28, 28)  # 6 px wide
    thickness = variation("stroke thickness")
    for amount in (-2.0, -1.0, 1.0, 2.0):
        width = thickness.changed(bar, full(amount, bar))[0, 0, 14].sum()
        assert abs(float(width) - 6 - amount) < 0.35 * abs(amount)


def test_elastic_warp_moves_by_its_amount_in_the_root_mean_square():
    right = torch.arange(28.0).double().expand(1, 1, 28, 28)
    down = right.transpose(2, 3)
    warp = variation("elastic warp")
    moved = torch.cat([warp.tangent(right), warp.tangent(down)], dim=1)[..., 4:-4, 4:-4]
    assert 0.5 < float(moved.square().sum(dim=1).mean().sqrt()) < 1.5
    assert torch.equal(warp.tangent(right), variation("elastic warp").tangent(right))
    assert not torch.allclose(warp.tangent(right), variation("elastic warp", seed=1).tangent(right))


def test_light_follows_its_formulas():
    images = pictures(2, DIGIT)

    def changed(name, amount):
        return variation(name).changed(images, full(amount, images))

    assert torch.allclose(changed("contrast", 40.0), 0.5 + 1.4 * (images - 0.5))
    assert torch.allclose(changed("brightness", -20.0), images - 0.2)
    assert torch.allclose(changed("gamma", 50.0), images**1.5)
    assert torch.allclose(changed("blur", 2.0), diffuse(images, full(2.0, images)))
    assert torch.allclose(changed("occluding patch", 100.0)[..., 11:17, 11:17], torch.tensor(0.5).double())
    assert torch.equal(changed("occluding patch", 100.0)[..., :10, :], images[..., :10, :])
    assert torch.allclose((changed("noise", 10.0) - images).std(), torch.tensor(0.1).double(), atol=0.01)
    assert torch.allclose(changed("background gradient", 50.0)[..., -1], 0.5 + images[..., -1] / 2)
    assert torch.allclose(changed("light from a direction", 60.0)[..., -1, -1], 0.4 * images[..., -1, -1])


def test_percentages_are_of_the_range_of_the_box():
    images, box = 2 * pictures(2, DIGIT) - 1, fs.Box(-1.0, 1.0)
    for name in ("contrast", "brightness", "gamma", "noise", "occluding patch", "background gradient"):
        wide, usual = variation(name, box=box), variation(name)
        ours = wide.changed(images, full(20.0, images))
        theirs = usual.changed((images + 1) / 2, full(20.0, images))
        assert torch.allclose(ours, 2 * theirs - 1, atol=1e-12), name


def test_black_and_blank_images_have_a_gamma_and_a_thickness():
    black = torch.zeros(1, *DIGIT)
    for one in catalogue(DIGIT):
        assert bool(one.tangent(black).isfinite().all()), one.name
        assert bool(one.orbit(black, torch.tensor(one.grid(1))).images.isfinite().all()), one.name


def test_what_fits_depends_on_the_shape():
    assert len(catalogue(DIGIT)) == len(catalogue(PHOTO)) == 15
    assert [v.name for v in catalogue((7,))] == ["contrast", "brightness", "gamma", "noise"]
    assert len(catalogue((1, 4, 28))) == 4


def test_a_wrong_name_is_met_with_the_right_one():
    with pytest.raises(fs.FiberscopeError, match="Did you mean 'rotation'"):
        choose(catalogue(DIGIT), ["rotations"])


def test_a_box_without_bounds_has_no_percentages():
    with pytest.raises(fs.FiberscopeError, match=r"^box"):
        catalogue(DIGIT, box=fs.Box(0.0, float("inf")))
