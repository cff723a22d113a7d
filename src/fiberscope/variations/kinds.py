"""Which named changes suit which kind of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fiberscope.problem import FiberscopeError
from fiberscope.variations.catalogue import catalogue
from fiberscope.variations.faces import face_variations
from fiberscope.variations.variation import Variation

Kind = Literal["general", "faces"]


def variations_for(kind: Kind, shape: Sequence[int]) -> tuple[Variation, ...]:
    """The variations for images of that kind and shape; faces stand upright and fill the image.

    Raises `FiberscopeError` for images that are too small for faces.
    """
    if kind == "general":
        return catalogue(shape)
    try:
        return face_variations(shape)
    except FiberscopeError as error:
        raise FiberscopeError(
            f"variations: those of faces do not fit images of shape {tuple(shape)}, which are too small or no images. "
            "Take the general ones."
        ) from error
