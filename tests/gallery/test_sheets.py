"""Sheets of tiles: every tile is there unchanged, every label has its place, and bytes repeat."""

from inspect import unwrap

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor

from fiberscope.gallery import (
    filmstrip,
    image_grid,
    pairs,
    seen_unseen,
    short_number,
    signed_grid,
    theme,
    to_png,
)
from fiberscope.gallery.colour_bar import colour_bar
from fiberscope.gallery.fields import CHANNELS_NOTE
from fiberscope.gallery.tiles import image_tile, signed_tile
from fiberscope.problem.errors import FiberscopeError

LABELS = ("Looks like", "Latent of", "Metamer\nlooks like the first, has exactly the latent of the second")


@pytest.fixture
def images():
    return torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def directions():
    return torch.randn(6, 3, 28, 28, generator=torch.Generator().manual_seed(1))


def seen_unseen_picture(images, directions):
    values = torch.ones(6, 3)
    return seen_unseen(images, directions, -directions, singular_values=3 * values, shares=values / 9)


def count_colour(picture: Image.Image, colour: str) -> int:
    return int((np.array(picture) == ImageColor.getrgb(colour)).all(-1).sum())


def shows(picture: Image.Image, tile: Image.Image) -> bool:
    """Whether the tile stands in the picture, pixel for pixel."""
    whole, part = np.array(picture), np.array(tile)
    height, width = part.shape[:2]
    rows, columns = np.nonzero((whole[: -height + 1, : -width + 1] == part[0, 0]).all(-1))
    return any(np.array_equal(whole[y : y + height, x : x + width], part) for y, x in zip(rows, columns, strict=True))


def test_a_grid_shows_every_image_pixel_for_pixel(images):
    picture = image_grid(images, columns=4, scale=2, captions=list("abcdef"), title="Six")
    assert all(shows(picture, image_tile(image, scale=2)) for image in images)


def test_a_filmstrip_shows_every_step_of_every_walk(images):
    picture = filmstrip(images.view(3, 2, 1, 28, 28), scale=2, row_captions=["a", "b"], step_captions=list("123"))
    assert all(shows(picture, image_tile(image, scale=2)) for image in images)


def test_a_walk_is_a_row(images):
    strips = filmstrip(images.view(3, 2, 1, 28, 28), scale=2)
    grid = image_grid(images[[0, 2, 4, 1, 3, 5]], columns=3, scale=2)
    assert to_png(strips) == to_png(grid)


def test_pairs_show_all_three_rows(images):
    picture = pairs(images[:2], images[2:4], images[4:], labels=LABELS)
    assert all(shows(picture, image_tile(image, scale=5)) for image in images)


def test_ten_columns_of_pairs_are_read_at_nine_hundred_pixels(images):
    ten = images[:1].expand(10, -1, -1, -1)
    captions = (["3"] * 10, ["8"] * 10, ["read as 8\n3.21×10⁻¹³"] * 10)
    picture = pairs(ten, ten, ten, labels=LABELS, captions=captions)
    shrunk = 900 / (picture.width / theme.DENSITY)
    assert shrunk * theme.SMALL_SIZE >= 9


def test_only_the_looks_are_framed_and_only_the_latents_are_barred(images):
    picture = pairs(*images[:3].unsqueeze(1), labels=("", "", ""))
    thirds = [picture.crop((0, 0, picture.width, 192)), picture.crop((0, 192, picture.width, 372))]
    assert count_colour(thirds[0], theme.BLUE)
    assert not count_colour(thirds[0], theme.ORANGE)
    assert count_colour(thirds[1], theme.ORANGE)
    assert not count_colour(thirds[1], theme.BLUE)


def test_a_shared_limit_makes_fields_comparable_and_an_own_limit_fills_each(directions):
    fields = torch.stack((directions[0, 0], directions[0, 0] / 10))
    peak = float(fields[0].abs().max())
    shared, own = signed_grid(fields, scale=2), signed_grid(fields, scale=2, limit="each")
    assert shows(shared, signed_tile(fields[1:].double(), limit=peak, scale=2))
    assert shows(own, signed_tile(fields[1:].double(), limit=peak / 10, scale=2))


def test_a_limit_that_cuts_values_off_is_stated_as_such(directions):
    field = directions[0, :1]
    peak = float(field.abs().max())
    half = short_number(peak / 2)
    assert shows(signed_grid(field, limit=peak / 2), colour_bar(f"≤ −{half}", f"≥ +{half}"))
    assert shows(signed_grid(field / 2, limit=peak / 2), colour_bar(f"−{half}", f"+{half}"))


def test_a_frame_goes_all_around_and_hides_no_pixel(images):
    picture = image_grid(images[:1])
    frame = np.argwhere((np.array(picture) == ImageColor.getrgb(theme.RULE)).all(-1))
    (top, left), (bottom, right) = frame.min(0), frame.max(0)
    thickness = (right - left + 1 - 140) // 2
    inner = (left + thickness, top + thickness, right + 1 - thickness, bottom + 1 - thickness)
    assert thickness >= 2
    assert picture.crop(inner).tobytes() == image_tile(images[0], scale=5).tobytes()


def test_a_field_of_zeros_is_neutral(directions):
    picture = signed_grid(torch.zeros_like(directions[:2, 0]), scale=1)
    assert count_colour(picture, theme.ZERO) >= 2 * 28 * 28


def test_colour_fields_say_that_channels_were_averaged(directions):
    noted, plain = signed_grid(directions, columns=3), signed_grid(directions.mean(1), columns=3)
    assert CHANNELS_NOTE
    assert noted.height >= plain.height
    assert to_png(noted) != to_png(plain)


def test_each_direction_fills_its_own_scale(images, directions):
    weak, strong = (seen_unseen_picture(images, size * directions) for size in (0.01, 100.0))
    assert to_png(weak) == to_png(strong)


def test_the_same_numbers_give_the_same_bytes(images, directions):
    for draw in (lambda: image_grid(images), lambda: seen_unseen_picture(images, directions)):
        assert to_png(draw()) == to_png(draw())


def test_a_row_that_is_not_finite_leaves_the_others_as_they_are(images):
    broken = images.clone()
    broken[1] = torch.nan
    picture = image_grid(broken, scale=2)
    assert shows(picture, image_tile(images[0], scale=2))
    assert not shows(picture, image_tile(images[1], scale=2))


def test_words_wider_than_a_tile_widen_the_column_instead_of_running_into_each_other(images):
    short, long = (image_grid(images[:2], scale=1, captions=[word] * 2) for word in ("a", "incomprehensibilities"))
    assert long.width > short.width + 200


@pytest.mark.parametrize(
    ("draw", "argument"),
    [
        (lambda x: image_grid(x, captions=["one"]), "captions"),
        (lambda x: image_grid(x, columns=0), "columns"),
        (lambda x: image_grid(2 * x), "images"),
        (lambda x: signed_grid(x, limit=-1.0), "limit"),
        (lambda x: signed_grid(x, captions=["one"]), "captions"),
        (lambda x: filmstrip(x.view(3, 2, 28, 28), row_captions=["one"]), "row_captions"),
        (lambda x: filmstrip(x.view(3, 2, 28, 28), step_captions=["one"]), "step_captions"),
        (lambda x: unwrap(pairs)(x, x[:2], x, labels=LABELS), "target"),
        (lambda x: pairs(x, x, x - 1, labels=LABELS), "result"),
        (
            lambda x: pairs(x, x, x, labels=LABELS, captions=(["a"] * 6, ["a"], ["a"] * 6)),
            "captions of the target",
        ),
        (
            lambda x: unwrap(seen_unseen)(x, x[:5], x, singular_values=torch.ones(6, 1), shares=torch.ones(6, 1)),
            "seen",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(images, draw, argument):
    with pytest.raises(FiberscopeError, match=f"^{argument}"):
        draw(images)
