"""Directions are unseen, of image length 1, and leave frozen pixels out; each says what it is."""

from dataclasses import replace

import pytest
import torch

from explorer.states import NINE, STROKE, along, digit, starting
from fiberscope.explorer import ImageRef
from fiberscope.explorer.directions import BASIS_CARDS, bases_of, directions
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.picture import directions_at, replay
from fiberscope.problem import FiberscopeError

IN_PIXELS = ("data", "variations", "toward", "smooth", "random", "seen")
IN_COORDINATES = ("data", "toward", "random", "seen")
PLACES = [*[("pixels", basis) for basis in IN_PIXELS], *[("natural", basis) for basis in IN_COORDINATES]]
UNSEEN = [place for place in PLACES if place[1] != "seen"]
MOVED = along("random", 12, 1.5)


def found_at(scene, basis, *moves, space="pixels", **options):
    state = starting(*moves, space=space)
    return directions_at(scene, state, along(basis, 0, 0.0, **options), Memory())


def jacobian_at(scene, encoder, *moves, space="pixels"):
    """By reverse mode through the network itself; among natural images, behind the decoder."""
    point = replay(scene, starting(*moves, space=space), Memory()).point
    decode = scene.natural.coordinates.decode

    def latents(x):
        return encoder(x if space == "pixels" else decode(x).reshape(-1, 1, 28, 28))[0]

    return torch.autograd.functional.jacobian(latents, point).reshape(8, -1), point


def there(ways):
    return ways.vectors[ways.vectors.norm(dim=1) > 0]


@pytest.mark.parametrize("moves", [(), (MOVED,)], ids=["start", "moved"])
@pytest.mark.parametrize(("space", "basis"), UNSEEN)
def test_the_network_sees_nothing_of_them(scene, encoder, space, basis, moves):
    seen, _ = jacobian_at(scene, encoder, *moves, space=space)
    vectors = there(found_at(scene, basis, *moves, space=space))
    assert len(vectors) >= 8
    latents = (vectors @ seen.T).norm(dim=1) / vectors.norm(dim=1)
    assert float(latents.max()) <= 1e-4 * float(torch.linalg.matrix_norm(seen, 2))


@pytest.mark.parametrize("space", ["pixels", "natural"])
def test_what_is_seen_lies_in_the_row_space_and_the_strongest_comes_first(scene, encoder, space):
    seen, _ = jacobian_at(scene, encoder, space=space)
    vectors = torch.nn.functional.normalize(found_at(scene, "seen", space=space).vectors)
    assert len(vectors) == 8
    rows = torch.linalg.svd(seen, full_matrices=False).Vh
    assert torch.allclose(vectors @ rows.T @ rows, vectors, atol=1e-3)
    moved = (vectors @ seen.T).norm(dim=1)
    assert bool((moved.diff() <= 1e-3 * moved[0]).all())
    assert float(moved[-1]) > 0


@pytest.mark.parametrize(("space", "basis"), PLACES)
def test_each_changes_the_image_by_length_one_or_is_zero(scene, space, basis):
    ways = found_at(scene, basis, space=space)
    lengths = ways.pictures.flatten(1).norm(dim=1)
    assert bool((torch.isclose(lengths, torch.ones(()), atol=1e-4) | (lengths == 0)).all())
    assert len(ways.vectors) == len(ways.pictures) == len(ways.titles) == len(ways.notes)
    assert bool(ways.vectors.isfinite().all())


@pytest.mark.parametrize("basis", IN_COORDINATES)
def test_among_natural_images_the_picture_is_what_the_decoder_does(scene, basis):
    ways = found_at(scene, basis, space="natural")
    point = replay(scene, starting(space="natural"), Memory()).point
    decode = scene.natural.coordinates.decode
    step = 1e-2
    for vector, picture in zip(ways.vectors[:3], ways.pictures[:3], strict=True):
        ahead, behind = (decode(point + sign * step * vector).detach() for sign in (1, -1))
        assert torch.allclose(((ahead - behind) / (2 * step)).reshape(1, 28, 28), picture, atol=5e-3)


@pytest.mark.parametrize("basis", IN_PIXELS)
def test_frozen_pixels_have_no_part_in_them(scene, encoder, basis):
    seen, _ = jacobian_at(scene, encoder, STROKE)
    frozen = list(STROKE.pixels)
    vectors = there(found_at(scene, basis, STROKE))
    assert not vectors[:, frozen].any()
    if basis != "seen":
        latents = (vectors @ seen.T).norm(dim=1)
        assert float(latents.max()) <= 1e-4 * float(torch.linalg.matrix_norm(seen, 2))


def test_where_all_is_frozen_there_are_no_directions_left(scene):
    state, frozen = starting(), torch.ones(1, 28, 28, dtype=torch.bool)
    for basis in IN_PIXELS:
        ways = directions(scene, state, digit()[None], frozen, basis)
        assert not ways.vectors.any(), basis


@pytest.mark.parametrize("space", ["pixels", "natural"])
def test_random_directions_are_those_of_their_seed(scene, space):
    first, again, other = (found_at(scene, "random", space=space, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.vectors, again.vectors)
    assert not torch.allclose(first.vectors, other.vectors, atol=0.01)
    torch.manual_seed(1)  # whatever else has drawn
    torch.randn(5)
    assert torch.equal(found_at(scene, "random", space=space, seed=3).vectors, first.vectors)


def test_other_bases_do_not_know_a_seed(scene):
    first, other = (found_at(scene, "smooth", seed=seed) for seed in (3, 4))
    assert torch.equal(first.vectors, other.vectors)


def test_a_variation_that_changes_nothing_is_zero_and_says_so(scene):
    grey = torch.full((1, 1, 28, 28), 0.5)
    free = torch.zeros(1, 28, 28, dtype=torch.bool)
    state = starting(image=ImageRef(pixels=bytes([128]) * 784))
    ways = directions(scene, state, grey, free, "variations")
    still = [float(each.tangent(grey).abs().max()) < 1e-6 for each in scene.variations]
    assert any(still)  # blurring a grey image, for one
    for zero, vector, picture, note in zip(still, ways.vectors, ways.pictures, ways.notes, strict=True):
        assert not zero or (not vector.any() and not picture.any() and note == "changes nothing here")
        assert zero or bool(vector.any())


def test_variations_are_named_in_their_order(scene):
    assert found_at(scene, "variations").titles == tuple(each.name for each in scene.variations)


def test_toward_leads_to_the_nearest_of_each_class_and_to_the_chosen_image(scene):
    ways = found_at(scene, "toward", to=ImageRef(index=3))
    assert ways.titles == (*(f"toward a {label}" for label in range(10)), "toward yours")
    assert len(found_at(scene, "toward").titles) == 10
    wish = (digit(ImageRef(index=3)) - digit(NINE)).flatten()
    assert float(ways.vectors[-1] @ wish) > 0.5 * float(wish.norm())


def test_a_direction_toward_an_image_leads_nearer_to_it_among_natural_images_too(scene):
    ways = found_at(scene, "toward", space="natural", to=ImageRef(index=3))
    assert ways.titles[-1] == "toward yours"
    assert bool(ways.vectors[-1].any())


@pytest.mark.parametrize(("space", "basis"), [("natural", "smooth"), ("natural", "variations")])
def test_a_basis_that_is_not_there_is_refused(scene, space, basis):
    with pytest.raises(FiberscopeError, match=rf"^basis: there are no directions '{basis}' in the space {space}"):
        found_at(scene, basis, space=space)


def test_a_scene_of_one_image_has_nothing_to_lead_to(scene):
    lonely = replace(scene, images=scene.images[:1], labels=scene.labels[:1], factor=None, natural=None)
    assert [card.name for card in bases_of(lonely)] == ["variations", "smooth", "random", "seen"]
    assert {card.spaces for card in bases_of(lonely)} == {("pixels",)}
    for basis in ("data", "toward"):
        with pytest.raises(FiberscopeError, match=rf"^basis: there are no directions '{basis}' in the space pixels"):
            directions_at(lonely, starting(image=ImageRef(index=0)), along(basis, 0, 0.0), Memory())


def test_every_basis_has_its_sentence():
    assert [card.name for card in BASIS_CARDS] == list(IN_PIXELS)
    assert all(card.title and card.sentence.endswith(".") for card in BASIS_CARDS)
