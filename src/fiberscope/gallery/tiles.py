"""One image or one signed field as enlarged pixels; every value keeps its own square."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageColor, ImageDraw
from torch import Tensor

from fiberscope.gallery import theme
from fiberscope.problem.errors import FiberscopeError

# Half a grey level: rounding of a float leaves [0, 1] by less, a forgotten rescaling by more.
_SLACK = 0.5 / 255
_USUAL_SIDE = 70
_LEAST_SHARE = 0.85  # of the usual side: a face of 112 pixels on 56 is too small to be known again


def as_images(images: Float[Tensor, "count ..."], argument: str) -> Float[Tensor, "count channels h w"]:
    """Name the channels of images in [0, 1]; values that are not finite pass, to be drawn as such.

    Raises:
        FiberscopeError: the shape is no stack of images, or a finite value lies outside [0, 1].

    """
    stack = as_stack(images, argument)
    finite = stack[torch.isfinite(stack)]
    if finite.numel() and (finite.min() < -_SLACK or finite.max() > 1 + _SLACK):
        raise FiberscopeError(
            f"{argument} has values from {finite.min():.3g} to {finite.max():.3g}, wanted [0, 1]: "
            f"rescale the box to [0, 1] first, or draw signed values with signed_grid"
        )
    return stack


def as_stack(images: Float[Tensor, "count ..."], argument: str) -> Float[Tensor, "count channels h w"]:
    """Name the channels of a stack.

    Raises:
        FiberscopeError: the shape is neither (count, h, w) nor (count, 1 or 3, h, w), or the stack is empty.

    """
    stack = images.detach().to("cpu", torch.float64)
    stack = stack.unsqueeze(1) if stack.ndim == 3 else stack
    if stack.ndim != 4 or stack.shape[1] not in (1, 3) or not stack.numel():
        raise FiberscopeError(
            f"{argument} has shape {tuple(images.shape)}, wanted (count, h, w) or (count, 1 or 3, h, w) with "
            f"count > 0: give it the images' own shape, e.g. {argument}.view(-1, 1, 28, 28)"
        )
    return stack


def check_length(length: int, wanted: int, argument: str) -> None:
    """Refuse labels that would end up under the wrong picture.

    Raises:
        FiberscopeError: there is not exactly one value for each.

    """
    if length != wanted:
        raise FiberscopeError(f"{argument} has {length} entries, wanted {wanted}: give one for each picture")


def usual_scale(width: int) -> int:
    """Choose how many device pixels a pixel gets: small images come out some 70 design pixels wide, none much less."""
    side = _USUAL_SIDE * theme.DENSITY
    scale = max(1, round(side / width))
    return scale if scale * width >= _LEAST_SHARE * side else scale + 1


def image_tile(image: Float[Tensor, "channels h w"], *, scale: int) -> Image.Image:
    """Draw a grey or colour image in [0, 1], each pixel a square of `scale` device pixels."""
    if not bool(torch.isfinite(image).all()):
        return _not_finite(image.shape[-1] * scale, image.shape[-2] * scale)
    levels = (255 * image.clamp(0, 1)).round().to(torch.uint8)
    return _enlarged(levels.expand(3, -1, -1).permute(1, 2, 0), scale)


def signed_tile(field: Float[Tensor, "channels h w"], *, limit: float, scale: int) -> Image.Image:
    """Draw a field in colours that diverge from exactly zero and saturate at plus and minus the limit."""
    if not bool(torch.isfinite(field).all()):
        return _not_finite(field.shape[-1] * scale, field.shape[-2] * scale)
    # Channels are averaged because two signs and three colours would not both be readable in one pixel.
    share = field.mean(0) / limit if limit > 0 else torch.zeros_like(field[0])
    return _enlarged(signed_colours(share), scale)


def signed_colours(share: Float[Tensor, "h w"]) -> UInt8[Tensor, "h w 3"]:
    """Colour values in [-1, 1]: blue below zero, orange above, equally light on both sides."""
    stops = (*reversed(theme.NEGATIVE_STOPS), theme.ZERO, *theme.POSITIVE_STOPS)
    table = np.array([ImageColor.getrgb(stop) for stop in stops], dtype=np.float64)
    places = np.linspace(-1, 1, len(stops))
    channels = [np.interp(share.numpy(), places, table[:, c]) for c in range(3)]
    return torch.from_numpy(np.stack(channels, axis=-1).round().astype(np.uint8))


def _enlarged(pixels: UInt8[Tensor, "h w 3"], scale: int) -> Image.Image:
    tile = Image.fromarray(pixels.contiguous().numpy())
    return tile.resize((tile.width * scale, tile.height * scale), Image.Resampling.NEAREST)


def _not_finite(width: int, height: int) -> Image.Image:
    # A crossed-out tile: a black one would pass for an image.
    tile = Image.new("RGB", (width, height), theme.PAPER)
    pen, centre, words = ImageDraw.Draw(tile), (width / 2, height / 2), "not\nfinite"
    face = theme.font(theme.SMALL_SIZE)
    pen.line((0, 0, width, height), fill=theme.RULE, width=theme.DENSITY)
    pen.line((0, height, width, 0), fill=theme.RULE, width=theme.DENSITY)
    left, top, right, bottom = pen.multiline_textbbox(centre, words, font=face, anchor="mm")
    pen.rectangle((left - 8, top - 8, right + 8, bottom + 8), fill=theme.PAPER)
    pen.multiline_text(centre, words, font=face, fill=theme.MUTED, anchor="mm", align="center")
    return tile
