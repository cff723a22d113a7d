"""Pictures that set networks or images side by side: every number has its place, and bytes repeat."""

from inspect import unwrap

import numpy as np
import pytest
import torch
from PIL import ImageColor

from fiberscope.gallery import Mark, fiber_rows, quartile_chart, spectra_chart, theme, to_png
from fiberscope.gallery.tiles import image_tile
from fiberscope.problem.errors import FiberscopeError


def chart(values, **changes):
    words = {
        "series": [f"network {i}" for i in range(len(values))],
        "rows": [f"variation {i}" for i in range(values.shape[1])],
        "across": "relative sensitivity",
        "title": "How much",
    }
    return unwrap(quartile_chart)(values, **(words | changes))


@pytest.fixture
def quartiles():
    return torch.tensor([[0.1, 0.2, 0.4], [0.3, 0.5, 0.9]]).expand(2, 2, 3).clone()


def amount(picture, colour):
    return int((np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=2).sum())


def columns(picture, colour):
    return (np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=2).any(axis=0).nonzero()[0]


def test_each_series_has_a_dot_of_its_colour_in_each_row(quartiles):
    both = chart(quartiles)
    one_row_less = quartiles.clone()
    one_row_less[1, 0] = torch.nan
    less = chart(one_row_less)
    assert amount(both, theme.SERIES[0]) == amount(less, theme.SERIES[0])
    assert 0 < amount(less, theme.SERIES[1]) < amount(both, theme.SERIES[1])


def test_the_axis_begins_at_zero_so_that_dots_keep_their_proportions():
    values = torch.tensor([[[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [1.0, 1.0, 1.0]]])
    picture = np.asarray(chart(values, series=["one"]))
    blue = (picture == ImageColor.getrgb(theme.BLUE)).all(axis=2)
    rows = blue.any(axis=1).nonzero()[0]
    dots = np.split(rows, np.where(np.diff(rows) > 1)[0] + 1)
    centres = [blue[dot].any(axis=0).nonzero()[0].mean() for dot in dots]
    assert len(dots) == 3
    assert centres[1] == pytest.approx((centres[0] + centres[2]) / 2, abs=1.5)


def test_a_mark_beyond_all_values_is_still_on_the_chart(quartiles):
    near, far = chart(quartiles), chart(quartiles, marks=(Mark(2.0, "a change of class"),))
    assert columns(far, theme.BLUE)[-1] < columns(near, theme.BLUE)[-1]


def test_quartiles_below_zero_are_refused(quartiles):
    with pytest.raises(FiberscopeError, match="wanted values of at least 0"):
        chart(-quartiles)
    with pytest.raises(FiberscopeError, match="rows"):
        chart(quartiles, rows=["one"])


def test_spectra_of_different_lengths_share_an_axis():
    short, long = torch.linspace(1, 0.1, 4)[:, None].expand(4, 3), torch.linspace(1, 0.1, 9)[:, None].expand(9, 3)
    words = {"up": "units", "title": "How strongly"}
    picture = spectra_chart([short, long], ["short", "long"], **words)
    # The plot ends where the longer line does; labels stand beyond it.
    plot = np.asarray(picture)[:, : picture.width * 3 // 4]
    reach = [
        (plot == ImageColor.getrgb(colour)).all(axis=2).any(axis=0).nonzero()[0].max() for colour in theme.SERIES[:2]
    ]
    assert reach[0] < reach[1]
    assert to_png(picture) == to_png(spectra_chart([short, long], ["short", "long"], **words))


def test_a_spectrum_with_exact_zeros_is_drawn():
    values = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.1]])
    assert spectra_chart([values], ["dead"], up="units", title="t").width > 0


def rows_picture(**changes):
    random = torch.Generator().manual_seed(0)
    arguments = {
        "targets": torch.rand(2, 1, 28, 28, generator=random),
        "members": torch.rand(2, 3, 1, 28, 28, generator=random),
        "headings": ("Target", "Same latent"),
        "labels": ["digit 1", "digit 2"],
        "captions": [["r 1"] * 3, ["r 2"] * 3],
    }
    return unwrap(fiber_rows)(**(arguments | changes)), arguments


def contains(picture, tile):
    haystack, needle = np.asarray(picture.convert("L")), np.asarray(tile.convert("L"))
    windows = np.lib.stride_tricks.sliding_window_view(haystack, (1, needle.shape[1]))[:, :, 0]
    for top, left in zip(*(windows == needle[0]).all(axis=2).nonzero(), strict=True):
        if np.array_equal(haystack[top : top + needle.shape[0], left : left + needle.shape[1]], needle):
            return True
    return False


def test_every_image_of_a_row_is_there_unchanged_beside_its_target():
    picture, arguments = rows_picture()
    everything = [*arguments["targets"], *arguments["members"].flatten(0, 1)]
    scales = [scale for scale in (1, 2, 3, 4, 5, 6) if contains(picture, image_tile(everything[0], scale=scale))]
    assert scales
    assert all(contains(picture, image_tile(image, scale=scales[-1])) for image in everything)


def test_words_that_do_not_match_the_rows_are_refused():
    for changes in ({"labels": ["one"]}, {"captions": [["r"] * 3]}, {"captions": [["r"] * 2] * 2}):
        with pytest.raises(FiberscopeError):
            rows_picture(**changes)
