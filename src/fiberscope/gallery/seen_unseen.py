"""What the network sees of an image beside what it cannot see: row space and null space as pictures."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery.colour_bar import colour_bar
from fiberscope.gallery.fields import channels_note, peak_magnitudes
from fiberscope.gallery.numbers import percent, short_number
from fiberscope.gallery.sheet import Cell, Group, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, as_stack, check_length, image_tile, signed_tile, usual_scale


def seen_unseen(
    images: Float[Tensor, "count ..."],
    seen: Float[Tensor, "count k ..."],
    unseen: Float[Tensor, "count l ..."],
    *,
    singular_values: Float[Tensor, "count k"],
    shares: Float[Tensor, "count l"],
    labels: Sequence[str] | None = None,
    headings: tuple[str, str, str] = ("Image", "What the network sees", "What it cannot see"),
    title: str = "",
) -> Image.Image:
    """Draw a row for each image: itself, row-space directions and null-space directions in the images' shape.

    Under a seen direction stands its singular value, under an unseen one its share of the data's variance.
    A direction has neither sign nor size of its own, so each tile has its own scale.

    Raises:
        FiberscopeError: shapes that do not belong together, or images outside [0, 1].

    """
    stack = as_images(images, "images")
    words = [""] * len(stack) if labels is None else labels
    for length, name in ((len(seen), "seen"), (len(unseen), "unseen"), (len(words), "labels")):
        check_length(length, len(stack), name)
    scale = usual_scale(stack.shape[-1])
    rows = []
    for i, (image, label) in enumerate(zip(stack, words, strict=True)):
        strengths = [f"σ {short_number(value)}" for value in singular_values[i].tolist()]
        parts = [percent(share) for share in shares[i].tolist()]
        cells = [Cell(image_tile(image, scale=scale))]
        cells += _directions(seen[i], strengths, "seen", scale) + _directions(unseen[i], parts, "unseen", scale)
        rows.append(Row(tuple(cells), label))
    groups = [Group(h, n) for h, n in zip(headings, (1, seen.shape[1], unseen.shape[1]), strict=True)]
    note = f"Each direction has its own scale. {channels_note(as_stack(seen[0], 'seen'))}"
    return draw_sheet(
        Sheet(tuple(rows), title=title, groups=tuple(groups), legend=colour_bar("darker", "brighter"), note=note)
    )


def _directions(vectors: Float[Tensor, "k ..."], numbers: Sequence[str], name: str, scale: int) -> list[Cell]:
    stack = as_stack(vectors, name)
    check_length(len(numbers), len(stack), f"numbers under {name}")
    return [
        Cell(signed_tile(field, limit=limit, scale=scale), number)
        for field, limit, number in zip(stack, peak_magnitudes(stack), numbers, strict=True)
    ]
