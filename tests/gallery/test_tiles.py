"""A tile shows every value as its own square, exactly."""

import numpy as np
import pytest
import torch
from PIL import ImageColor

from fiberscope.gallery import theme
from fiberscope.gallery.tiles import as_images, as_stack, image_tile, signed_colours, signed_tile
from fiberscope.problem.errors import FiberscopeError


def pixels(tile):
    return torch.from_numpy(np.array(tile))


def test_every_pixel_becomes_a_square_of_its_own_grey():
    image = torch.tensor([[[0.0, 1.0], [0.5, 0.2]]])
    grey = torch.tensor([[0, 255], [128, 51]], dtype=torch.uint8)
    expected = grey.repeat_interleave(3, 0).repeat_interleave(3, 1)
    assert torch.equal(pixels(image_tile(image, scale=3)), expected.unsqueeze(-1).expand(-1, -1, 3))


def test_three_channels_are_red_green_and_blue():
    image = torch.tensor([1.0, 0.0, 0.2]).view(3, 1, 1)
    assert image_tile(image, scale=2).getpixel((1, 1)) == (255, 0, 51)


def test_zero_is_exactly_the_neutral_colour_whatever_the_limit():
    field = torch.tensor([[[0.0, -3.0, 7.0]]])
    for limit in (0.0, 1e-12, 5.0):
        assert signed_tile(field, limit=limit, scale=1).getpixel((0, 0)) == ImageColor.getrgb(theme.ZERO)


def test_values_beyond_the_limit_have_the_colour_of_the_limit():
    tile = signed_tile(torch.tensor([[[-9.0, 9.0]]]), limit=1.0, scale=1)
    ends = (theme.NEGATIVE_STOPS[-1], theme.POSITIVE_STOPS[-1])
    assert [tile.getpixel((i, 0)) for i in range(2)] == [ImageColor.getrgb(end) for end in ends]


def test_more_is_never_lighter():
    ramp = torch.linspace(0, 1, 101, dtype=torch.float64)
    weights = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)
    for sign in (-1, 1):
        brightness = signed_colours((sign * ramp).unsqueeze(0))[0].double() @ weights
        assert (brightness.diff() < 0).all()


def test_a_signed_field_of_three_channels_shows_their_mean():
    field = torch.tensor([3.0, -1.0, 1.0]).view(3, 1, 1)
    mean = signed_tile(torch.ones(1, 1, 1), limit=2.0, scale=1)
    assert signed_tile(field, limit=2.0, scale=1).getpixel((0, 0)) == mean.getpixel((0, 0))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_crossed_out_and_not_black(bad):
    image = torch.zeros(1, 28, 28)
    image[0, 0, 0] = bad
    for tile in (image_tile(image, scale=5), signed_tile(image, limit=1.0, scale=5)):
        assert tile.size == (140, 140)
        assert tile.getpixel((70, 20)) == ImageColor.getrgb(theme.PAPER)


@pytest.mark.parametrize("shape", [(2, 28), (2, 2, 28, 28), (0, 28, 28), (1, 1, 1, 28, 28)])
def test_what_is_no_stack_of_images_is_refused_with_its_name(shape):
    with pytest.raises(FiberscopeError, match="fields has shape"):
        as_stack(torch.zeros(shape), "fields")


def test_images_outside_the_unit_interval_are_refused_and_rounding_is_not():
    as_images(torch.full((1, 2, 2), 1 + 1e-6), "images")
    as_images(torch.full((1, 2, 2), float("nan")), "images")
    for level in (-0.01, 1.01, 255.0):
        with pytest.raises(FiberscopeError, match="images has values"):
            as_images(torch.full((1, 2, 2), level), "images")
