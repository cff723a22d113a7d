"""The variations of faces: identity at 0, tangents, and what each name promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import fiberscope as fs
from fibers import uniform
from fiberscope.variations import catalogue, choose, expression, face_variations
from fiberscope.variations.head import generic_head
from fiberscope.variations.smooth import diffuse
from small_faces import small_faces

SHAPE = (1, 32, 32)
LEARNED = expression(small_faces().images, small_faces().labels)
ALL = [pytest.param(v, id=v.name) for v in (*face_variations(SHAPE), LEARNED)]


def faces(count=2):
    blurred = diffuse(uniform(count, *SHAPE), torch.full((count,), 3.0).double())
    return (0.5 + 2.0 * (blurred - blurred.mean(dim=(1, 2, 3), keepdim=True))).clamp(0.02, 0.98)


def changed(name, amount, images):
    (one,) = choose(face_variations(SHAPE), [name])
    return one.changed(images, torch.full((len(images),), amount, dtype=images.dtype))


@pytest.mark.parametrize("variation", ALL)
def test_amount_zero_leaves_a_face_to_the_last_bit(variation):
    for dtype in (torch.float32, torch.float64):
        images = faces().to(dtype)
        assert torch.equal(variation.changed(images, torch.zeros(2, dtype=dtype)), images)


@pytest.mark.parametrize("variation", ALL)
def test_each_derivative_is_what_difference_quotients_find(variation):
    images, step = faces(), 3e-5 * (variation.high - variation.low)
    tangent = variation.tangent(images)
    slow = replace(variation, derivative=None).tangent(images)
    assert variation.derivative is not None
    assert float((tangent - slow).norm() / slow.norm()) < 1e-12
    one, two = (variation.changed(images, torch.full((2,), amount).double()) for amount in (step, 2 * step))
    quotient = (4 * one - 3 * images - two) / (2 * step)
    assert float((tangent - quotient).norm() / quotient.norm()) < 1e-4


def test_light_has_five_parameters_and_keeps_black_black():
    black = torch.zeros(1, *SHAPE)
    for name in ("light azimuth", "light elevation", "lamp strength", "ambient light", "second lamp"):
        assert torch.equal(changed(name, 40.0, black), black)


def test_the_lamp_lights_the_side_where_it_stands():
    grey = torch.full((1, *SHAPE), 0.5)
    right = changed("light azimuth", 45.0, grey)[0, 0]
    assert float(right[10:22, 20:26].mean()) > 1.2 * float(right[10:22, 6:12].mean())
    above = changed("light elevation", 45.0, grey)[0, 0]
    assert float(above[3:8, 12:20].mean()) > 1.2 * float(above[25:29, 12:20].mean())
    torch.testing.assert_close(changed("light azimuth", -45.0, grey), right.flip(1)[None, None])


@pytest.mark.parametrize(
    ("name", "amount", "ambient", "lamps"),
    [
        ("light azimuth", 50.0, 0.4, {(50.0, 0.0): 0.6}),
        ("light elevation", -30.0, 0.4, {(0.0, -30.0): 0.6}),
        ("lamp strength", 100.0, 0.4, {(0.0, 0.0): 1.2}),
        ("ambient light", -50.0, 0.2, {(0.0, 0.0): 0.6}),
        ("second lamp", 100.0, 0.4, {(0.0, 0.0): 0.6, (60.0, 0.0): 1.0}),
    ],
)
def test_a_picture_lit_from_the_front_becomes_the_same_albedo_in_the_new_light(name, amount, ambient, lamps):
    normal = generic_head(*SHAPE[1:]).normal

    def shading(ambient, lamps):
        light = torch.full(SHAPE, ambient, dtype=torch.float64)
        for angles, strength in lamps.items():
            right, up = torch.tensor(angles, dtype=torch.float64).deg2rad()
            lamp = torch.stack([right.sin(), -up.sin(), right.cos() * up.cos()])  # one of the angles is 0
            cosine = (lamp[:, None, None] * normal).sum(dim=0)
            light = light + strength * (cosine + (cosine.square() + 0.15**2).sqrt()) / 2  # fades out softly
        return light

    albedo = 0.3 * faces(1)
    lit = changed(name, amount, albedo * shading(0.4, {(0.0, 0.0): 0.6}))
    torch.testing.assert_close(lit, albedo * shading(ambient, lamps))


def test_turning_right_carries_the_nose_right_and_bowing_down_and_the_rim_stays():
    _, width = SHAPE[1:]
    dot = torch.zeros(1, *SHAPE, dtype=torch.float64)
    dot[..., 18, 15:17] = 1.0
    columns = torch.arange(width).double()

    def place(image):
        row = image[0, 0, 16:21].sum(dim=0)
        return float((row * columns).sum() / row.sum())

    turned = place(changed("yaw", 10.0, dot)) - place(dot)
    depth = float(generic_head(*SHAPE[1:]).depth[18, 16])
    assert turned == pytest.approx(depth * torch.tensor(10.0).deg2rad().sin().item(), rel=0.25)
    lowered = place(changed("pitch", 10.0, dot.mT).mT) - place(dot)
    assert lowered == pytest.approx(float(generic_head(*SHAPE[1:]).depth[16, 18]) * 0.174, rel=0.25)
    rim = torch.zeros(1, *SHAPE, dtype=torch.float64)
    rim[..., 16, 1] = 1.0
    assert float(changed("yaw", 5.0, rim)[0, 0, 16, 0:3].sum()) == pytest.approx(1.0, abs=0.3)


def test_what_is_worn_covers_its_place_and_no_other():
    grey = torch.full((1, *SHAPE), 0.5)
    mask, glasses = (changed(name, 100.0, grey)[0, 0] for name in ("mask", "dark glasses"))
    assert float(mask[24, 16]) == pytest.approx(0.75, abs=0.01)
    assert float((mask[:14] - 0.5).abs().max()) < 1e-3
    assert float(glasses[14, 11]) == pytest.approx(0.1, abs=0.02)
    assert float((glasses[22:] - 0.5).abs().max()) < 1e-3


def test_expression_is_learned_from_pictures_of_one_person_and_not_from_who_it_is():
    found = small_faces(6, 4)
    lifted = found.images + torch.linspace(0, 0.3, 6).repeat_interleave(4).view(-1, 1, 1, 1)
    one, two = (expression(images, found.labels).tangent(found.images[:1]) for images in (found.images, lifted))
    torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)
    assert float(one[..., 0, 0].abs().max()) < 0.1 * float(one.abs().max())


def test_faces_are_asked_for_by_name_and_small_images_are_refused():
    assert "yaw" not in {variation.name for variation in catalogue(SHAPE)}
    with pytest.raises(fs.FiberscopeError, match=r"shape: the variations of faces .* found \(1, 8, 8\)"):
        face_variations((1, 8, 8))
    with pytest.raises(fs.FiberscopeError, match="no person has two pictures"):
        expression(uniform(3, *SHAPE), torch.arange(3))
