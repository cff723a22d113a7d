"""A morph leads along the fiber to the image there that is nearest to another one."""

import pytest
import torch

from explorer.states import NINE, STROKE, ZERO, along, digit, relative_residual, starting
from fiberscope.explorer import ImageRef, Morph, picture
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.picture import nearest_to
from fiberscope.moves import Outcome

SPACES = ("pixels", "natural")


def apart(image, reference=ZERO):
    return float((image - digit(reference)).norm())


@pytest.mark.parametrize("goal", [3, 1, 20])
def test_a_morph_ends_nearer_to_its_goal_than_it_began_and_on_the_fiber(scene, encoder, goal):
    to = ImageRef(index=goal)
    ended = picture(scene, starting(Morph(to)))
    assert float(relative_residual(encoder, ended.image)) <= 1e-4
    assert ended.outcome is Outcome.CONVERGED
    assert apart(ended.image, to) < 0.5 * apart(digit(), to)


@pytest.mark.parametrize("goal", [3, 1, 20])
def test_a_morph_among_natural_images_ends_nearer_to_its_goal_too(scene, encoder, goal):
    to = ImageRef(index=goal)
    began, ended = (picture(scene, starting(*moves, space="natural")) for moves in ((), (Morph(to),)))
    assert float(relative_residual(encoder, ended.image)) <= 1e-4
    assert apart(ended.image, to) < apart(began.image, to)


@pytest.mark.parametrize("space", SPACES)
def test_a_share_of_none_is_where_it_began(scene, space):
    began, ended = (picture(scene, starting(*moves, space=space)) for moves in ((), (Morph(ZERO, 0.0),)))
    assert torch.allclose(began.image, ended.image, atol=1e-5)


@pytest.mark.parametrize("space", SPACES)
def test_every_share_is_on_the_fiber_and_in_the_box(scene, encoder, space):
    memory = Memory()
    for share in (0.1, 0.5, 0.93):
        found = picture(scene, starting(Morph(ZERO, share), space=space), memory)
        assert (float(relative_residual(encoder, found.image)) <= 1e-4) == (found.outcome is Outcome.CONVERGED)
        assert bool(((found.image >= 0) & (found.image <= 1)).all())


def test_in_pixels_a_larger_share_is_nearer(scene):
    memory = Memory()
    ways = [apart(picture(scene, starting(Morph(ZERO, share)), memory).image) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert ways == sorted(ways, reverse=True)
    assert ways[-1] < 0.5 * ways[0]


def test_a_morph_to_where_one_stands_goes_nowhere(scene):
    assert apart(picture(scene, starting(Morph(NINE))).image, NINE) < 1e-3


def test_a_morph_back_undoes_a_drag(scene):
    memory = Memory()
    drag = along("smooth", 12, 4.0)
    away, back = (picture(scene, starting(*moves), memory).image for moves in ((drag,), (drag, Morph(NINE))))
    assert apart(back, NINE) < 0.2 * apart(away, NINE)


@pytest.mark.parametrize("goal", [3, 1])
def test_in_a_tube_a_morph_ends_nearer_than_on_the_fiber_and_not_outside(scene, encoder, goal):
    to = ImageRef(index=goal)
    radii = (0.0, 0.3, 1.0)
    found = [picture(scene, starting(Morph(to), radius=radius)) for radius in radii]
    ways = [apart(each.image, to) for each in found]
    assert ways[0] > ways[1] > ways[2]
    size = float(encoder(digit()[None]).norm())
    for radius, each in zip(radii, found, strict=True):
        allowed = max(1e-4, radius * scene.scale.within / size)
        assert float(relative_residual(encoder, each.image)) <= allowed * (1 + 1e-5)
        assert each.outcome is Outcome.CONVERGED


def test_a_search_begins_where_the_state_stands_and_leaves_paint_as_it_is(scene):
    near = nearest_to(scene, starting(STROKE), ZERO, Memory())
    assert torch.equal(near.points.flatten()[list(STROKE.pixels)], torch.ones(len(STROKE.pixels)))
