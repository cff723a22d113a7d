"""Images side by side: a grid of them, and walks as strips of film."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery.sheet import Cell, Row, Sheet, draw_sheet, in_rows
from fiberscope.gallery.tiles import as_images, check_length, image_tile, usual_scale


def image_grid(
    images: Float[Tensor, "count ..."],
    *,
    columns: int = 10,
    captions: Sequence[str] | None = None,
    title: str = "",
    scale: int | None = None,
) -> Image.Image:
    """Draw images in [0, 1], row by row; a caption's first line stands in ink, further lines are quiet.

    Raises:
        FiberscopeError: the images are no stack of images in [0, 1], or the captions are not one for each.

    """
    stack = as_images(images, "images")
    words = [""] * len(stack) if captions is None else captions
    check_length(len(words), len(stack), "captions")
    scale = scale or usual_scale(stack.shape[-1])
    cells = [Cell(image_tile(image, scale=scale), word) for image, word in zip(stack, words, strict=True)]
    return draw_sheet(Sheet(in_rows(cells, columns), title=title))


def filmstrip(
    points: Float[Tensor, "step batch ..."],
    *,
    row_captions: Sequence[str] | None = None,
    step_captions: Sequence[str] | None = None,
    title: str = "",
    note: str = "",
    scale: int | None = None,
) -> Image.Image:
    """Draw walks as strips of film: a row is one walk, a column is one step.

    Raises:
        FiberscopeError: the points are no images in [0, 1], or the captions are not one for each row or step.

    """
    steps, batch = points.shape[:2]
    stack = as_images(points.flatten(0, 1), "points")
    labels = [""] * batch if row_captions is None else row_captions
    heads = () if step_captions is None else tuple(step_captions)
    check_length(len(labels), batch, "row_captions")
    check_length(len(heads) or steps, steps, "step_captions")
    scale = scale or usual_scale(stack.shape[-1])
    walks = torch.unflatten(stack, 0, (steps, batch)).transpose(0, 1)
    rows = [
        Row(tuple(Cell(image_tile(image, scale=scale)) for image in walk), label)
        for walk, label in zip(walks, labels, strict=True)
    ]
    return draw_sheet(Sheet(tuple(rows), title=title, heads=heads, note=note))
