"""Walks along the fibers of the ten digits, and the straight lines that trust the first derivative alone."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.demo.reading import read, relative_distance
from fiberscope.analysis.demo.stage import Stage
from fiberscope.moves.outcome import Outcome
from fiberscope.moves.walk import StraightLine, Walk, walk, walk_straight
from fiberscope.problem import Fiber

LENGTH = 5.0
NUM_STEPS = 20
NUM_BASIS = 2
"""Directions of the data basis walked from each digit, each both ways."""
FAR = 8.0
FAR_STEPS = 32


class Trail(NamedTuple):
    """Points along walks, as a forward pass of the whole network finds them.

    ``residual`` is relative to the latent of the start; ``classes`` is what the network reads at every point.
    """

    points: Float[Tensor, "step walk 1 28 28"]
    arc_length: Float[Tensor, "step walk"]
    residual: Float[Tensor, "step walk"]
    classes: Int64[Tensor, "step walk"]
    outcome: tuple[Outcome, ...]

    @property
    def num_true(self) -> int:
        """Number of walks along which the network reads the class of the start all the way."""
        return int((self.classes == self.classes[0]).all(dim=0).sum())


class Walks(NamedTuple):
    """Walks toward the partner of each digit, and four from each along invisible directions, corrected and straight.

    The four go along each of two directions of the data basis, forward and backward, in this order.
    """

    toward: Trail
    corrected: Trail
    straight: Trail


def walk_all(stage: Stage) -> Walks:
    """Walk from each digit toward its partner, and along its first directions of the data basis both ways."""
    digits, latent_map = stage.digits, stage.latent_map
    toward = walk(
        Fiber.through(latent_map, digits), digits, digits[stage.partner] - digits, length=FAR, num_steps=FAR_STEPS
    )
    directions = stage.sight.unseen[:, :NUM_BASIS]
    both_ways = torch.stack([directions, -directions], dim=2).flatten(0, 2)
    starts = digits.repeat_interleave(2 * NUM_BASIS, dim=0)
    fiber = Fiber.through(latent_map, starts)
    corrected = walk(fiber, starts, both_ways, length=LENGTH, num_steps=NUM_STEPS)
    straight = walk_straight(fiber, starts, both_ways, length=LENGTH, num_steps=NUM_STEPS)
    return Walks(
        _follow(stage, toward, toward.outcome),
        _follow(stage, corrected, corrected.outcome),
        _follow(stage, straight, (Outcome.CONVERGED,) * len(starts)),
    )


def _follow(stage: Stage, path: Walk | StraightLine, outcome: tuple[Outcome, ...]) -> Trail:
    reading = read(stage.network, path.points.flatten(0, 1))
    latents = reading.latents.reshape(*path.arc_length.shape, -1)
    residual = relative_distance(latents, latents[:1])
    return Trail(path.points, path.arc_length, residual, reading.classes.view(path.arc_length.shape), outcome)
