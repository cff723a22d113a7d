"""Rows of one fiber each: images that differ, under one latent."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.sheet import Cell, Group, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, check_length, image_tile, usual_scale


def fiber_rows(
    targets: Float[Tensor, "row ..."],
    members: Float[Tensor, "row member ..."],
    *,
    headings: tuple[str, str],
    labels: Sequence[str],
    captions: Sequence[Sequence[str]],
    title: str = "",
    note: str = "",
) -> Image.Image:
    """Draw on the left the image whose latent a row has, beside it images that share it; all are barred alike.

    ``captions`` stand under the members, one sequence a row. Raises `FiberscopeError` for images outside [0, 1], or
    words that are not one for each.
    """
    rows, count = members.shape[:2]
    check_length(len(targets), rows, "targets")
    check_length(len(labels), rows, "labels")
    check_length(len(captions), rows, "captions")
    stack = torch.unflatten(as_images(members.flatten(0, 1), "members"), 0, (rows, count))
    scale = usual_scale(stack.shape[-1])
    drawn = []
    for target, population, label, words in zip(as_images(targets, "targets"), stack, labels, captions, strict=True):
        check_length(len(words), count, "captions of a row")
        first = Cell(image_tile(target, scale=scale), bar=theme.ORANGE)
        others = (
            Cell(image_tile(image, scale=scale), word, bar=theme.ORANGE)
            for image, word in zip(population, words, strict=True)
        )
        drawn.append(Row((first, *others), label))
    groups = (Group(headings[0], 1), Group(headings[1], count))
    return draw_sheet(Sheet(tuple(drawn), title=title, groups=groups, note=note))
