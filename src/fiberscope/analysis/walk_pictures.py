"""Walks as pictures: strips of film, and how far the latent drifts on the way."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image

from fiberscope import gallery
from fiberscope.analysis.choices import WalkChoice
from fiberscope.analysis.finding import relative
from fiberscope.analysis.output import Arrays
from fiberscope.moves.outcome import Outcome

_MOST_WALKS = 12
_MOST_GAPS = 10


def draw_film(arrays: Arrays, choice: WalkChoice) -> Image.Image:
    """A strip of film for each walk: every so many steps, the start first, the end last."""
    points = arrays["points"][:_MOST_WALKS]
    last = points.shape[1] - 1
    steps = [*range(0, last, math.ceil(last / _MOST_GAPS)), last]
    count = len(arrays["points"])
    few = f"The first {_MOST_WALKS} of {count} walks. " if count > _MOST_WALKS else ""
    return gallery.filmstrip(
        torch.from_numpy(points[:, steps]).transpose(0, 1),
        row_captions=_labels(arrays)[:_MOST_WALKS],
        step_captions=["start", *(gallery.short_number(choice.length * step / last) for step in steps[1:])],
        title="Along each strip the image changes, and the network sees no difference",
        note=f"{few}Over the columns: the distance walked (Euclidean norm over pixels). {_DIRECTIONS[choice.basis]} "
        f"r: the greatest |f(x) − z| / |z| on the way, how far the latent is off.",
    )


def draw_drift(arrays: Arrays) -> Image.Image:
    """How far the latent drifts over the length walked, corrected and straight."""
    targets = arrays["target_latents"]
    tolerance = relative(arrays["tolerances"], targets)
    return gallery.drift_chart(
        torch.from_numpy(arrays["arc_lengths"].max(axis=0)),
        torch.from_numpy(relative(arrays["straight_residual_norms"], targets).T.copy()),
        torch.from_numpy(relative(arrays["residual_norms"], targets).T.copy()),
        tolerance=float(np.nanmedian(tolerance)),
    )


_DIRECTIONS = {
    "data": "Directions: where the data varies most, of those that the network cannot see.",
    "smooth": "Directions: the smoothest of those that the network cannot see.",
    "random": "Directions: noise, without the part that the network sees.",
    "toward": "Directions: toward other images, without the part that the network sees.",
    "svd": "Directions: arbitrary ones of those that the network cannot see.",
}


def _labels(arrays: Arrays) -> list[str]:
    worst = relative(arrays["residual_norms"], arrays["target_latents"]).max(axis=1).tolist()
    rows = zip(
        arrays["source_names"].tolist(),
        arrays["direction_numbers"].tolist(),
        arrays["outcomes"].tolist(),
        worst,
        strict=True,
    )
    return [
        f"{name}\ndirection {number}\nr {gallery.short_number(residual, digits=2)}"
        + ("" if outcome == Outcome.CONVERGED.value else f"\n{outcome}")
        for name, number, outcome, residual in rows
    ]
