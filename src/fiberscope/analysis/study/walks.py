"""Walks from each image along its fiber, and the straight lines that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.reference import spread
from fiberscope.analysis.study.naming import MOST_SHOWN
from fiberscope.analysis.study.parts import parts
from fiberscope.analysis.study.reading import relative_distance
from fiberscope.analysis.study.study import Study
from fiberscope.moves import Outcome, StraightLine, Walk, walk, walk_straight
from fiberscope.problem import Fiber
from fiberscope.variations import latent_scale

NUM_STEPS = 20
NUM_BASIS = 2
"""Directions of the data basis walked from each image, each both ways, where there are so many."""
FAR_STEPS = 32

_LENGTH = 0.5  # of the median distance between two labelled images of different classes
_FAR = 0.8
_MOST_FOR_LENGTH = 2000


class Trail(NamedTuple):
    """Walks as a forward pass of the whole network finds them, on the CPU; points are those of the pictures alone.

    ``residual`` is relative to the latent of the start; ``classes`` is what the network reads at every point, None
    for one that reads no class. ``gone`` is the distance between start and end.
    """

    points: Float[Tensor, "step shown ..."]
    arc_length: Float[Tensor, "step walk"]
    residual: Float[Tensor, "step walk"]
    classes: Int64[Tensor, "step walk"] | None
    gone: Float[Tensor, " walk"]
    outcome: tuple[Outcome, ...]

    @property
    def num_true(self) -> int:
        """Number of walks along which the network reads the class of the start all the way."""
        return 0 if self.classes is None else int((self.classes == self.classes[0]).all(dim=0).sum())


class Walks(NamedTuple):
    """Walks of length ``far`` toward the partner of each image, and of ``length`` along what is invisible from it.

    The latter, corrected and straight, go along each of ``num_directions`` directions of the data basis, forward and
    backward, in this order.
    """

    toward: Trail
    corrected: Trail
    straight: Trail
    num_directions: int
    length: float
    far: float

    @property
    def num_ways(self) -> int:
        """Walks along invisible directions from each image."""
        return 2 * self.num_directions


def walk_all(study: Study) -> Walks:
    """Walk from each image toward its partner, and along its first directions of the data basis both ways."""
    images, aims, unseen = study.inputs, study.aims, study.sight.unseen[:, :NUM_BASIS]
    length, far = _lengths(study)
    toward, corrected, straight = [], [], []
    for part in parts(len(images)):
        shown = max(0, MOST_SHOWN - part.start)
        starts, directions = images[part], unseen[part].to(images)
        fiber = Fiber.through(study.latent_map, starts)
        path = walk(fiber, starts, aims[part] - starts, length=far, num_steps=FAR_STEPS)
        toward.append(_follow(study, path, path.outcome, shown=shown))
        both_ways = torch.stack([directions, -directions], dim=2).flatten(0, 2)
        several = both_ways.shape[0] // len(starts)
        starts = starts.repeat_interleave(several, dim=0)
        fiber = Fiber.through(study.latent_map, starts)
        path = walk(fiber, starts, both_ways, length=length, num_steps=NUM_STEPS)
        line = walk_straight(fiber, starts, both_ways, length=length, num_steps=NUM_STEPS)
        corrected.append(_follow(study, path, path.outcome, shown=several * shown))
        straight.append(_follow(study, line, (Outcome.CONVERGED,) * len(starts), shown=several * shown))
    return Walks(_join(toward), _join(corrected), _join(straight), unseen.shape[1], length, far)


def _lengths(study: Study) -> tuple[float, float]:
    """How far to walk, in one figure: what a person would call far for such images."""
    some = spread(len(study.data.labels), _MOST_FOR_LENGTH)
    apart = latent_scale(study.data.images[some].flatten(1), study.data.labels[some]).between
    return float(f"{_LENGTH * apart:.0e}"), float(f"{_FAR * apart:.0e}")


def _follow(study: Study, path: Walk | StraightLine, outcome: tuple[Outcome, ...], *, shown: int) -> Trail:
    reading, shape = study.read(path.points.flatten(0, 1)), path.arc_length.shape
    latents = reading.latents.reshape(*shape, -1)
    return Trail(
        path.points[:, :shown].cpu(),
        path.arc_length.cpu(),
        relative_distance(latents, latents[:1].expand_as(latents)),
        None if reading.classes is None else reading.classes.view(shape),
        (path.points[-1] - path.points[0]).flatten(1).norm(dim=1).cpu(),
        outcome,
    )


def _join(trails: Sequence[Trail]) -> Trail:
    """The same walks as one trail."""
    classes = [trail.classes for trail in trails if trail.classes is not None]
    return Trail(
        torch.cat([trail.points for trail in trails], dim=1),
        torch.cat([trail.arc_length for trail in trails], dim=1),
        torch.cat([trail.residual for trail in trails], dim=1),
        torch.cat(classes, dim=1) if classes else None,
        torch.cat([trail.gone for trail in trails]),
        tuple(outcome for trail in trails for outcome in trail.outcome),
    )
