"""What a function must do to be a variation, checked each time that it is used."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.problem import FiberscopeError


def check_change(name: str, changed: object, images: Tensor, amounts: Float[Tensor, " batch"]) -> None:
    """Raise `FiberscopeError` unless the function returned finite images like those that it was given."""
    what = f"variation {name!r}: its function"
    bad = _not_finite(what, changed, images, "It takes images (batch, ...) and amounts (batch,)")
    if bad:
        raise FiberscopeError(
            f"{what} returned NaN or infinity at amount {float(amounts[bad[0]]):.4g} for row {bad[0]}. "
            "Mend it, or give a range of amounts within which it is defined."
        )


def check_derivative(name: str, tangent: object, images: Tensor) -> None:
    """Raise `FiberscopeError` unless the derivative returned finite tangents, one for each image and of its shape."""
    what = f"variation {name!r}: its derivative"
    bad = _not_finite(what, tangent, images, "It takes images (batch, ...)")
    if bad:
        raise FiberscopeError(
            f"{what} returned NaN or infinity for row {bad[0]}. Mend it, or leave it out: the function will be "
            "differentiated."
        )


def _not_finite(what: str, found: object, images: Tensor, takes: str) -> list[int]:
    """Rows that are not finite of what was returned for images; raises `FiberscopeError` if it is not like them."""
    if not isinstance(found, Tensor):
        raise FiberscopeError(f"{what} returned {type(found).__name__}, wanted a tensor.")
    if found.shape != images.shape:
        raise FiberscopeError(
            f"{what} returned shape {tuple(found.shape)} for images {tuple(images.shape)}. {takes}, and returns images "
            "of the same shape."
        )
    if found.dtype != images.dtype or found.device != images.device:
        raise FiberscopeError(
            f"{what} returned {found.dtype} on {found.device} for images of {images.dtype} on {images.device}. "
            "Make what it mixes in with .to(images)."
        )
    rows: list[int] = (~found.isfinite().flatten(1).all(dim=1)).nonzero()[:, 0].tolist()
    return rows


def check_identity(name: str, unchanged: Tensor, images: Tensor) -> None:
    """Raise `FiberscopeError` where amount 0 changed an image by more than rounding can."""
    if not unchanged.numel():
        return
    moved = (unchanged - images).flatten(1).abs().amax(dim=1)
    slack = torch.finfo(images.dtype).eps ** 0.75 * (1 + images.flatten(1).abs().amax(dim=1))
    if bool((moved > slack).any()):
        row = int((moved - slack).argmax())
        raise FiberscopeError(
            f"variation {name!r}: amount 0 changes row {row} by {float(moved[row]):.3g} in a pixel. A variation leaves "
            "images as they are at 0; subtract what it does there, or measure the amount from where nothing changes."
        )
