"""A film is a first look at once, then every frame of the way, each on the fiber; the last is where the morph ends."""

import pytest
import torch

from explorer.states import INK, STROKE, ZERO, along, digit, relative_residual, starting
from fiberscope.explorer import Morph, Paint, Release, picture
from fiberscope.explorer import film as films
from fiberscope.explorer.film import FRAMES, ending, film, way_of
from fiberscope.explorer.memory import Memory
from fiberscope.moves import Outcome

BEGINNINGS = {
    "pixels": starting(),
    "painted": starting(STROKE, along("smooth", 12, 1.0)),
    "tube": starting(radius=0.3),
    "natural": starting(space="natural"),
}


@pytest.fixture(scope="module", params=BEGINNINGS)
def made(request, scene):
    """A film: its state, its parts, its ending and the memory that holds the searches."""
    state, memory = BEGINNINGS[request.param], Memory()
    parts = list(film(scene, state, ZERO, memory))
    return state, parts, ending(scene, state, ZERO, memory), memory


def allowed(scene, encoder, state):
    return max(1e-4, state.radius * scene.scale.within / float(encoder(digit()[None]).norm())) * (1 + 1e-5)


def test_every_frame_is_on_the_fiber_and_in_the_box(made, scene, encoder):
    state, parts, _, _ = made
    images = torch.stack([each.image for part in parts for each in part.pictures])
    residuals = relative_residual(encoder, images)
    assert bool((residuals <= allowed(scene, encoder, state)).all())
    assert bool(((images >= 0) & (images <= 1)).all())
    assert torch.allclose(
        residuals, torch.tensor([each.residual for part in parts for each in part.pictures]), atol=1e-5
    )
    assert {each.outcome for part in parts for each in part.pictures} == {Outcome.CONVERGED}


def test_after_a_first_look_the_frames_come_in_order_and_all_of_them(made):
    _, (look, *parts), _, _ = made
    assert look.first == 0
    assert 0 < len(look.pictures) < FRAMES
    assert [part.first + i for part in parts for i in range(len(part.pictures))] == list(range(FRAMES))
    assert torch.allclose(torch.tensor([s for part in parts for s in part.shares]), torch.linspace(0, 1, FRAMES))
    assert all(len(part.shares) == len(part.pictures) for part in (look, *parts))
    assert look.shares == tuple([share for part in parts for share in part.shares][: len(look.shares)])


def test_the_first_look_comes_before_the_search_begins(scene, monkeypatch):
    searched = []

    def search(*arguments):
        searched.append(arguments)
        return nearest_to(*arguments)

    nearest_to = films.nearest_to
    monkeypatch.setattr(films, "nearest_to", search)
    parts = film(scene, starting(), ZERO, Memory())
    next(parts)
    assert searched == []
    next(parts)
    assert len(searched) == 1


def test_a_film_begins_where_the_state_stands(made, scene):
    state, (look, first, *_), _, _ = made
    stands = picture(scene, state)
    assert torch.allclose(look.pictures[0].image, stands.image, atol=1e-4)
    assert torch.allclose(first.pictures[0].image, stands.image, atol=1e-4)


def test_the_last_frame_is_the_picture_of_the_whole_morph(made, scene):
    state, parts, _, memory = made
    whole = starting(*state.moves, Morph(ZERO), space=state.space, radius=state.radius)
    last = parts[-1].pictures[-1]
    assert torch.allclose(last.image, picture(scene, whole, memory).image, atol=1e-4)
    assert torch.allclose(last.image, picture(scene, whole).image, atol=1e-4)


def test_a_frame_is_the_picture_of_its_share(made, scene):
    state, parts, _, memory = made
    part = parts[2]
    share = starting(*state.moves, Morph(ZERO, part.shares[3]), space=state.space, radius=state.radius)
    assert torch.allclose(part.pictures[3].image, picture(scene, share, memory).image, atol=1e-3)


def test_the_ending_says_how_near_by_the_images_themselves(made, scene):
    state, parts, end, _ = made
    last, stands = parts[-1].pictures[-1].image, picture(scene, state).image
    assert end.near == pytest.approx(float((last - digit(ZERO)).norm()), abs=1e-3)
    assert end.apart == pytest.approx(float((stands - digit(ZERO)).norm()), abs=1e-4)


def test_painted_pixels_keep_their_value_in_every_frame(scene):
    state = BEGINNINGS["painted"]
    for part in film(scene, state, ZERO, Memory()):
        for each in part.pictures:
            assert torch.equal(each.image.flatten()[list(INK)], torch.ones(len(INK)))


@pytest.mark.parametrize("moves", [(), (STROKE,), (along("smooth", 12, 2.0), STROKE, Release(INK), Morph(ZERO, 0.7))])
def test_a_way_leads_from_the_start_to_the_picture_over_every_move(scene, encoder, moves):
    state, memory = starting(*moves), Memory()
    way = list(way_of(scene, state, memory, frames=5))
    growing = sum(not isinstance(move, Paint | Release) for move in moves)
    assert len(way) == 1 + 5 * growing + (len(moves) - growing)
    assert torch.equal(way[0].image, digit())
    assert torch.equal(way[-1].image, picture(scene, state).image)
    assert float(relative_residual(encoder, torch.stack([each.image for each in way])).max()) <= 1e-4


def test_the_way_along_a_straight_line_ends_off_the_fiber(scene):
    state = starting(along("smooth", 12, 1.0), along("smooth", 12, 4.0), straight=True)
    way = list(way_of(scene, state, Memory(), frames=4))
    assert [each.on_fiber for each in way[:5]] == [True] * 5
    assert torch.equal(way[-1].image, picture(scene, state).image)
    assert not way[-1].on_fiber
