"""What a function must do to be a variation, checked each time that it is used."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.problem import FiberscopeError


def check_change(name: str, changed: object, images: Tensor, amounts: Float[Tensor, " batch"]) -> None:
    """Raise `FiberscopeError` unless the function returned finite images like those that it was given."""
    if not isinstance(changed, Tensor):
        raise FiberscopeError(f"variation {name!r}: its function returned {type(changed).__name__}, wanted a tensor.")
    if changed.shape != images.shape:
        raise FiberscopeError(
            f"variation {name!r}: its function returned shape {tuple(changed.shape)} for images {tuple(images.shape)}. "
            "It takes images (batch, ...) and amounts (batch,), and returns images of the same shape."
        )
    if changed.dtype != images.dtype or changed.device != images.device:
        raise FiberscopeError(
            f"variation {name!r}: its function returned {changed.dtype} on {changed.device} for images of "
            f"{images.dtype} on {images.device}. Make what it mixes in with .to(images)."
        )
    bad = ~changed.isfinite().flatten(1).all(dim=1)
    if bool(bad.any()):
        row = int(bad.nonzero()[0, 0])
        raise FiberscopeError(
            f"variation {name!r}: its function returned NaN or infinity at amount {float(amounts[row]):.4g} for row "
            f"{row}. Mend it, or give a range of amounts within which it is defined."
        )


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
