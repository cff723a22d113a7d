"""Painted pixels keep exactly their value while everything else makes up for them; released ones move again."""

import pytest
import torch

from explorer.states import INK, STROKE, ZERO, along, digit, relative_residual, starting
from fiberscope.explorer import Morph, Paint, Release, picture
from fiberscope.explorer.memory import Memory
from fiberscope.moves import Outcome

GREYS = Paint(INK, tuple(range(3, 3 + 20 * len(INK), 20)))
EVERYWHERE = tuple(range(784))
WHITE = Paint(EVERYWHERE, (255,) * 784)


def values(paint):
    return torch.tensor(paint.values).float() / 255


@pytest.mark.parametrize(
    "moves",
    [
        (),
        (along("smooth", 12, 4.0),),
        (along("random", 12, -6.0, place=3), along("seen", 8, 2.0)),
        (along("toward", 10, 3.0, place=4), Morph(ZERO, 0.5)),
        (Morph(ZERO),),
        (Paint((0, 1), (9, 9)), along("variations", 15, 2.0)),
        (Release((0, 1)), along("data", 12, 2.0)),
    ],
)
def test_painted_pixels_keep_exactly_their_value_through_what_follows(scene, encoder, moves):
    found = picture(scene, starting(GREYS, *moves))
    assert torch.equal(found.image.flatten()[list(INK)], values(GREYS))
    assert float(relative_residual(encoder, found.image)) <= 1e-4
    assert found.outcome is Outcome.CONVERGED


def test_a_straight_line_leaves_painted_pixels_too(scene):
    found = picture(scene, starting(GREYS, along("smooth", 12, 4.0), straight=True))
    assert torch.equal(found.image.flatten()[list(INK)], values(GREYS))
    assert not found.on_fiber


def test_painting_again_gives_another_value(scene):
    again = Paint(INK[:3], (255, 0, 128))
    found = picture(scene, starting(GREYS, again)).image.flatten()
    assert torch.equal(found[list(INK[:3])], values(again))
    assert torch.equal(found[list(INK[3:])], values(GREYS)[3:])


def test_released_pixels_move_again_and_only_they(scene):
    released = Release(INK[:6])
    found = picture(scene, starting(GREYS, released, along("smooth", 12, 4.0))).image.flatten()
    assert float((found[list(INK[:6])] - values(GREYS)[:6]).abs().max()) > 0.01
    assert torch.equal(found[list(INK[6:])], values(GREYS)[6:])


def test_releasing_alone_moves_nothing(scene):
    before, after = (picture(scene, starting(STROKE, *moves)) for moves in ((), (Release(INK),)))
    assert torch.equal(before.image, after.image)
    assert after.outcome is Outcome.CONVERGED


def test_painting_what_is_there_changes_nothing(scene):
    grey = (255 * digit().flatten()).round().int()
    found = picture(scene, starting(Paint(INK, tuple(grey[list(INK)].tolist()))))
    assert torch.allclose(found.image, digit(), atol=1e-5)


@pytest.fixture(scope="module")
def memory():
    """Of paintings that cannot be, which take long."""
    return Memory()


def test_an_impossible_painting_is_not_called_converged_and_stays_in_the_box(scene, encoder, memory):
    found = picture(scene, starting(WHITE), memory)
    assert found.outcome is not Outcome.CONVERGED
    assert found.outcome.advice
    assert not found.on_fiber
    assert float(relative_residual(encoder, found.image)) > 1e-4
    assert torch.equal(found.image, torch.ones(1, 28, 28))


def test_a_painting_over_most_of_the_image_gets_the_best_approach(scene):
    most = Paint(EVERYWHERE[:600], (255,) * 600)
    found, unmoved = picture(scene, starting(most)), picture(scene, starting(most, straight=True))
    assert found.outcome is not Outcome.CONVERGED
    assert found.residual < unmoved.residual
    assert bool(((found.image >= 0) & (found.image <= 1)).all())


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_morph_from_an_impossible_painting_is_not_called_converged(scene, memory, share):
    found = picture(scene, starting(WHITE, Morph(ZERO, share)), memory)
    assert not found.on_fiber
    assert found.outcome is not Outcome.CONVERGED


def test_pixels_of_a_painting_can_be_released_back_onto_the_fiber(scene, encoder, memory):
    found = picture(scene, starting(WHITE, Release(EVERYWHERE), along("seen", 8, 0.0)), memory)
    assert (float(relative_residual(encoder, found.image)) <= 1e-4) == (found.outcome is Outcome.CONVERGED)
