"""Signed fields side by side, in colours that diverge from exactly zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.gallery.colour_bar import colour_bar
from fiberscope.gallery.numbers import short_number
from fiberscope.gallery.sheet import Cell, Sheet, draw_sheet, in_rows
from fiberscope.gallery.tiles import as_stack, check_length, signed_tile, usual_scale
from fiberscope.problem.errors import FiberscopeError

CHANNELS_NOTE = "Each field has three channels; their mean is shown."


def signed_grid(
    fields: Float[Tensor, "count ..."],
    *,
    limit: float | Literal["shared", "each"] = "shared",
    columns: int = 10,
    captions: Sequence[str] | None = None,
    title: str = "",
    scale: int | None = None,
) -> Image.Image:
    """Draw fields from blue (below zero) to orange (above), over a colour bar that states the limit.

    Colours saturate at ``limit``: "shared" is the largest magnitude of all fields, "each" gives every field
    its own, which its caption then states.

    Raises:
        FiberscopeError: the fields are no stack, the limit is not positive, or a caption is missing.

    """
    stack = as_stack(fields, "fields")
    words = [""] * len(stack) if captions is None else captions
    check_length(len(words), len(stack), "captions")
    peaks = peak_magnitudes(stack)
    if isinstance(limit, str):
        limits = peaks if limit == "each" else [max(peaks)] * len(stack)
    elif limit > 0:
        limits = [limit] * len(stack)
    else:
        raise FiberscopeError(f"limit is {limit}, wanted a positive number: leave it out to use the largest magnitude")
    if limit == "each":
        words = [f"{word}\n±{short_number(peak)}" for word, peak in zip(words, peaks, strict=True)]
    legend = colour_bar("−own limit", "+own limit") if limit == "each" else _shared_bar(limits[0], max(peaks))
    scale = scale or usual_scale(stack.shape[-1])
    cells = [
        Cell(signed_tile(field, limit=own, scale=scale), word)
        for field, own, word in zip(stack, limits, words, strict=True)
    ]
    return draw_sheet(Sheet(in_rows(cells, columns), title=title, legend=legend, note=channels_note(stack)))


def peak_magnitudes(stack: Float[Tensor, "count channels h w"]) -> list[float]:
    """Find the largest magnitude drawn of each field; it is zero where the field is not finite."""
    drawn = stack.mean(1).abs().flatten(1).amax(1)
    return [float(peak) for peak in drawn.nan_to_num(0.0, posinf=0.0)]


def channels_note(stack: Float[Tensor, "count channels h w"]) -> str:
    """Say what a reader must know about channels that were averaged."""
    return CHANNELS_NOTE if stack.shape[1] == 3 else ""


def _shared_bar(limit: float, peak: float) -> Image.Image:
    words = short_number(limit)
    # Beyond the limit colours saturate, and the bar has to say so.
    low, high = ("≤ ", "≥ ") if peak > limit else ("", "")
    return colour_bar(f"{low}−{words}", f"{high}+{words}")
