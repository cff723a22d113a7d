"""Every picture is on the fiber by a forward pass of the network itself, or says why not; and its state says it all."""

import json

import pytest
import torch

from explorer.states import NINE, STROKE, ZERO, along, digit, relative_residual, starting
from fiberscope.explorer import ImageRef, Morph, as_json, picture, read_state
from fiberscope.explorer.directions import bases_of
from fiberscope.explorer.film import film
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.picture import directions_at
from fiberscope.moves import Outcome
from fiberscope.problem import FiberscopeError

BASES = {
    "pixels": ("data", "variations", "toward", "smooth", "random", "seen"),
    "natural": ("data", "toward", "random", "seen"),
}
PLACES = [(space, basis) for space, bases in BASES.items() for basis in bases]


@pytest.fixture(scope="module")
def counts(scene):
    """How many directions each basis has where a nine starts."""
    found = {}
    for space, basis in PLACES:
        ways = directions_at(scene, starting(space=space), along(basis, 0, 0.0), Memory())
        found[space, basis] = len(ways.vectors)
    return found


def in_the_box(image):
    return bool(((image >= 0) & (image <= 1)).all())


def test_these_are_the_bases_that_the_scene_has(scene):
    assert {(space, card.name) for card in bases_of(scene) for space in card.spaces} == set(PLACES)


@pytest.mark.parametrize("amount", [-6.0, 0.5])
@pytest.mark.parametrize(("space", "basis"), PLACES)
def test_a_drag_stays_on_the_fiber_and_in_the_box_or_says_why_not(scene, encoder, counts, space, basis, amount):
    for place in range(0, counts[space, basis], 6):
        move = along(basis, counts[space, basis], amount, place=place)
        found = picture(scene, starting(move, space=space))
        residual = float(relative_residual(encoder, found.image))
        assert found.residual == pytest.approx(residual, abs=1e-6)
        assert (residual <= 1e-4) == (found.outcome is Outcome.CONVERGED) == found.on_fiber
        assert found.outcome is Outcome.CONVERGED or found.outcome.advice
        assert in_the_box(found.image)


@pytest.mark.parametrize("space", ["pixels", "natural"])
def test_a_drag_in_an_unseen_direction_goes_about_as_far_as_it_says(scene, counts, space):
    beginning = picture(scene, starting(space=space))
    for basis in ("data", "toward"):
        found = picture(scene, starting(along(basis, counts[space, basis], 0.2), space=space))
        assert 0.05 < float((found.image - beginning.image).norm()) < 0.3


def test_without_moves_the_picture_is_the_chosen_image(scene):
    found = picture(scene, starting())
    assert torch.equal(found.image, digit())
    assert torch.equal(found.start, digit())
    assert torch.equal(found.latent, found.target)
    assert found.distance == found.residual == 0.0


def test_pixels_of_ones_own_are_the_bytes_that_were_sent(scene):
    grey = bytes(i % 256 for i in range(784))
    found = picture(scene, starting(image=ImageRef(pixels=grey)))
    assert torch.equal((255 * found.image).round().to(torch.uint8).flatten(), torch.tensor(list(grey)).to(torch.uint8))
    assert found.on_fiber


def test_natural_images_are_decoded_from_coordinates_and_begin_on_the_fiber(scene, encoder):
    found = picture(scene, starting(space="natural"))
    decode = scene.natural.coordinates.decode
    assert float(relative_residual(encoder, found.image)) <= 1e-4
    assert float((found.image - digit()).norm()) > 0.1  # no generator makes the digit itself
    aim = torch.zeros(1, scene.natural.coordinates.latent_map.input_size, requires_grad=True)
    optimiser = torch.optim.LBFGS([aim], max_iter=200, line_search_fn="strong_wolfe")
    with torch.no_grad():
        aim.copy_(scene.natural.coordinates.ball.inverse(scene.natural.encode(found.image[None])))

    def apart():
        optimiser.zero_grad()
        loss = (decode(aim).flatten() - found.image.flatten()).square().sum()
        loss.backward()
        return loss

    optimiser.step(apart)
    assert float(apart().detach().sqrt()) < 0.05  # somewhere the decoder makes this very image


@pytest.mark.parametrize(("space", "basis"), PLACES)
def test_amounts_of_zero_change_nothing(scene, counts, space, basis):
    beginning = picture(scene, starting(space=space))
    found = picture(scene, starting(along(basis, counts[space, basis], 0.0), space=space))
    assert torch.allclose(found.image, beginning.image, atol=1e-5)


@pytest.mark.parametrize("count", [0, 7, 9])
def test_every_direction_wants_its_amount(scene, count):
    with pytest.raises(FiberscopeError, match=rf"^amounts: {count} for 8 directions of the basis 'seen'"):
        picture(scene, starting(along("seen", count, 1.0)))


@pytest.mark.parametrize("basis", ["smooth", "variations"])
def test_a_basis_of_pixels_is_refused_among_natural_images(scene, basis):
    with pytest.raises(FiberscopeError, match=rf"^basis: there are no directions '{basis}' in the space natural"):
        picture(scene, starting(along(basis, 12, 1.0), space="natural"))


@pytest.mark.parametrize(("space", "basis"), [("pixels", "data"), ("pixels", "smooth"), ("natural", "random")])
def test_straight_lines_drift_the_more_the_longer_and_are_not_corrected(scene, encoder, counts, space, basis):
    amounts = (0.05, 0.5, 4.0)
    moves = [along(basis, counts[space, basis], amount) for amount in amounts]
    found = [picture(scene, starting(move, space=space, straight=True)) for move in moves]
    residuals = [float(relative_residual(encoder, each.image)) for each in found]
    assert residuals == sorted(residuals)
    assert residuals[-1] > 0.05
    assert [each.residual for each in found] == pytest.approx(residuals, abs=1e-6)
    assert [each.outcome for each in found] == [None] * 3
    assert not found[-1].on_fiber


def test_a_straight_line_in_pixels_is_its_direction_cut_at_the_box(scene, counts):
    ways = directions_at(scene, starting(), along("smooth", 0, 0.0), Memory())
    found = picture(scene, starting(along("smooth", counts["pixels", "smooth"], 2.0, place=3), straight=True))
    assert torch.allclose(found.image, (digit() + 2 * ways.pictures[3]).clamp(0, 1), atol=1e-6)


def test_only_the_last_move_is_straight(scene, encoder, counts):
    first = along("smooth", counts["pixels", "smooth"], 3.0)
    found = picture(scene, starting(first, along("seen", 8, 0.0), straight=True))
    assert float(relative_residual(encoder, found.image)) <= 1e-4


@pytest.mark.parametrize("space", ["pixels", "natural"])
def test_a_tube_is_kept_and_gives_a_drag_room(scene, encoder, space):
    radius = 0.5
    allowed = radius * scene.scale.within
    size = float(encoder(digit()[None]).norm())
    wide, narrow = (picture(scene, starting(along("seen", 8, 6.0), space=space, radius=r)) for r in (radius, 0.0))
    assert 10e-4 < float(relative_residual(encoder, wide.image)) <= allowed / size * (1 + 1e-5)
    assert wide.tolerance == pytest.approx(allowed / size, rel=1e-5)
    assert float(relative_residual(encoder, narrow.image)) <= 1e-4


def test_the_picture_is_the_same_whatever_the_memory_holds(scene, counts):
    drag = along("random", counts["pixels", "random"], 2.0)
    state = starting(STROKE, drag, Morph(ZERO, 0.6))
    memory = Memory()
    others = [
        starting(STROKE, drag),
        starting(STROKE, drag, straight=True),
        starting(STROKE, drag, Morph(ZERO)),
        starting(STROKE, drag, radius=0.3),
        starting(drag, STROKE),
        starting(STROKE, drag, image=ZERO),
        starting(drag, space="natural"),
    ]
    before = [picture(scene, other, memory) for other in others]
    filled, alone = picture(scene, state, memory), picture(scene, state)
    assert torch.equal(filled.image, alone.image)
    assert torch.equal(filled.latent, alone.latent)
    assert all(torch.equal(picture(scene, other).image, seen.image) for other, seen in zip(others, before, strict=True))


def test_the_film_of_a_straight_line_leaves_the_pictures_of_others_as_they_are(scene, counts):
    drag = along("random", counts["pixels", "random"], 3.0)
    memory = Memory()
    list(film(scene, starting(drag, straight=True), ZERO, memory))
    state = starting(drag, Morph(ZERO))
    assert torch.equal(picture(scene, state, memory).image, picture(scene, state).image)


def test_a_state_from_a_link_makes_the_same_picture(scene, counts):
    state = starting(along("data", counts["pixels", "data"], 0.1), STROKE, Morph(NINE, 0.3))
    again = read_state(json.loads(json.dumps(as_json(state))), scene)
    assert torch.equal(picture(scene, again).image, picture(scene, state).image)
