"""What several networks cannot see around the same images, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery.colour_bar import colour_bar
from fiberscope.gallery.fields import channels_note, peak_magnitudes
from fiberscope.gallery.numbers import percent
from fiberscope.gallery.sheet import Cell, Group, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, as_stack, check_length, image_tile, signed_tile, usual_scale


def unseen_by_network(
    images: Float[Tensor, "image ..."],
    directions: Float[Tensor, "network image direction ..."],
    shares: Float[Tensor, "network image direction"],
    *,
    labels: Sequence[str],
    networks: Sequence[str],
    title: str = "",
    note: str = "",
) -> Image.Image:
    """Draw each image, then in a group for each network the directions that it cannot see there, with their shares.

    A direction has no size of its own, so each tile has its own scale. Raises `FiberscopeError` for
    words that are not one for each.
    """
    count, k = len(networks), directions.shape[2]
    check_length(len(directions), count, "directions")
    check_length(len(labels), len(images), "labels")
    stack = as_stack(directions.flatten(0, 2), "directions")
    peaks = peak_magnitudes(stack)
    scale = usual_scale(stack.shape[-1])
    tiles = [signed_tile(field, limit=peak or 1.0, scale=scale) for field, peak in zip(stack, peaks, strict=True)]
    rows = []
    for i, (image, label) in enumerate(zip(as_images(images, "images"), labels, strict=True)):
        cells = [Cell(image_tile(image, scale=scale))]
        for network in range(count):
            first = (network * len(images) + i) * k
            words = [percent(share) for share in shares[network, i].tolist()]
            cells += [Cell(tile, word) for tile, word in zip(tiles[first : first + k], words, strict=True)]
        rows.append(Row(tuple(cells), label))
    groups = (Group("Image", 1), *(Group(name, k) for name in networks))
    foot = f"Each direction has its own scale. {note} {channels_note(stack)}".strip()
    legend = colour_bar("darker", "brighter")
    return draw_sheet(Sheet(tuple(rows), title=title, groups=groups, legend=legend, note=foot))
