"""The derivatives that ship, held to the slow way: differentiation of the change itself, confirmed by quotients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import fiberscope as fs
from fibers import normal, uniform
from fiberscope.variations import Variation, catalogue
from fiberscope.variations.slope import drift
from fiberscope.variations.warp import warp

DIGIT, PHOTO = (1, 28, 28), (3, 32, 20)
ALL = [pytest.param(v, shape, id=f"{v.name} {shape}") for shape in (DIGIT, PHOTO) for v in catalogue(shape)]


def framed(*shape):
    """Black but for a bright frame, two pixels wide and brighter at its corners."""
    frame = torch.zeros(1, *shape, dtype=torch.float64)
    for edge in (slice(0, 2), slice(-2, None)):
        frame[..., edge, :] += 0.4
        frame[..., edge] += 0.5
    return frame


def pictures(shape):
    digits = fs.data.mnist("test").images[:3].double() if shape == DIGIT else uniform(0, *shape)
    return torch.cat([digits, uniform(2, *shape), framed(*shape)])


def away(tangent, reference):
    return float(((tangent - reference).flatten(1).norm(dim=1) / reference.flatten(1).norm(dim=1)).max())


@pytest.mark.parametrize(("variation", "shape"), ALL)
def test_each_derivative_is_what_differentiation_of_the_change_finds(variation, shape):
    images = pictures(shape)
    slow = replace(variation, derivative=None).tangent(images)
    assert variation.derivative is not None
    assert away(variation.tangent(images), slow) < 1e-13
    single = variation.tangent(images.float())
    assert single.dtype == torch.float32
    assert away(single, slow) < 2e-6


def test_percentages_of_another_box_have_their_derivatives():
    images = 3 * uniform(2, *DIGIT) - 1.5  # below the box, too, where gamma leaves values as they are
    for variation in catalogue(DIGIT, box=fs.Box(-1.0, 1.0)):
        assert away(variation.tangent(images), replace(variation, derivative=None).tangent(images)) < 1e-13


def test_drift_is_the_derivative_of_the_warp_along_any_velocity():
    images, (down, right) = uniform(3, 2, 9, 7), normal(2, 3, 9, 7)
    step = 1e-5
    ahead, behind = (warp(images, way * down, way * right) for way in (step, -step))
    assert torch.allclose(drift(images, down[:, None], right[:, None]), (ahead - behind) / (2 * step), atol=1e-8)


def test_no_images_have_no_tangents_and_one_pixel_has_no_slope():
    for variation in catalogue(DIGIT):
        assert variation.tangent(uniform(0, *DIGIT)).shape == (0, *DIGIT)
    assert torch.equal(drift(uniform(2, 1, 1, 1), 1.0, 1.0), torch.zeros(2, 1, 1, 1).double())


def test_a_derivative_of_ones_own_is_believed_and_the_change_is_not_asked():
    def apply(images, amounts):
        raise AssertionError("asked for a change")

    mine = Variation("mine", "px", -1.0, 1.0, apply, derivative=lambda images: 3 * images)
    images = uniform(2, 5).requires_grad_(True)
    assert torch.equal(mine.tangent(images), 3 * images.detach())
    assert not mine.tangent(images).requires_grad


def test_a_derivative_that_works_in_place_changes_no_image_of_the_caller():
    mine = Variation("mine", "px", -1.0, 1.0, lambda x, a: x, derivative=lambda images: images.mul_(2))
    images = uniform(2, 5)
    before = images.clone()
    mine.tangent(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    ("derivative", "words"),
    [
        (lambda images: images[:, :1], "returned shape"),
        (lambda images: images / 0, "returned NaN or infinity for row 0"),
        (lambda images: images.float(), "returned torch.float32"),
        (lambda images: None, "returned NoneType"),
        (lambda images: images @ images, "raised RuntimeError"),
    ],
)
def test_what_is_no_derivative_is_refused_with_the_reason(derivative, words):
    mine = Variation("mine", "px", -1.0, 1.0, lambda x, a: x, derivative=derivative)
    with pytest.raises(fs.FiberscopeError, match=rf"^variation 'mine': its derivative {words}"):
        mine.tangent(uniform(2, 3))
