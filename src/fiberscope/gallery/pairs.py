"""The picture of the field: images that look like one thing and have exactly the latent of another."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.gallery.sheet import Cell, Row, Sheet, draw_sheet
from fiberscope.gallery.tiles import as_images, check_length, image_tile, usual_scale


def pairs(
    source: Float[Tensor, "count ..."],
    target: Float[Tensor, "count ..."],
    result: Float[Tensor, "count ..."],
    *,
    labels: tuple[str, str, str],
    captions: tuple[Sequence[str], Sequence[str], Sequence[str]] | None = None,
    title: str = "",
    note: str = "",
) -> Image.Image:
    """Draw three rows: whose looks a result has, whose latent it has, and the result, ruled off like a sum.

    A blue frame stands for looks and an orange bar for a latent: the source is framed, the target is barred,
    and the result is both. A label's or caption's first line is set strong.

    Raises:
        FiberscopeError: the rows are no images in [0, 1] of one shape, or the captions are not one for each.

    """
    check_length(len(target), len(source), "target")
    check_length(len(result), len(source), "result")
    own, other, both = captions or ([""] * len(source),) * 3
    rows = (
        Row(_cells(source, "source", own, frame=theme.BLUE), labels[0], theme.BLUE),
        Row(_cells(target, "target", other, bar=theme.ORANGE), labels[1], theme.ORANGE),
        Row(_cells(result, "result", both, frame=theme.BLUE, bar=theme.ORANGE), labels[2], ruled=True),
    )
    return draw_sheet(Sheet(rows, title=title, note=note))


def _cells(
    images: Float[Tensor, "count ..."],
    name: str,
    captions: Sequence[str],
    *,
    frame: str = theme.RULE,
    bar: str | None = None,
) -> tuple[Cell, ...]:
    stack = as_images(images, name)
    check_length(len(captions), len(stack), f"captions of the {name}")
    scale = usual_scale(stack.shape[-1])
    return tuple(
        Cell(image_tile(image, scale=scale), caption, frame, bar)
        for image, caption in zip(stack, captions, strict=True)
    )
