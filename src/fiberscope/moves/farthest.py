"""The image on a fiber that is farthest from a given image."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.moves.descent import descend
from fiberscope.moves.diagnosis import diagnose
from fiberscope.moves.measure import Measure
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.setup import set_up
from fiberscope.problem import Fiber, Tube


class Farthest(NamedTuple):
    """For each row a point on the fiber, as far from its image as ascent could bring it.

    ``distance`` is Euclidean, over coordinates or over what ``measure`` makes of them.
    """

    points: Float[Tensor, "batch ..."]
    residual_norm: Float[Tensor, " batch"]
    tolerance: Float[Tensor, " batch"]
    distance: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]
    outcome: tuple[Outcome, ...]

    def raise_if_failed(self) -> Farthest:
        """The result itself; raises `MoveFailedError` with the advice for the rows that failed."""
        raise_if_failed(self.outcome)
        return self


def farthest(
    fiber: Fiber | Tube,
    images: Float[Tensor, "batch ..."],
    *,
    start: Float[Tensor, "batch ..."] | None = None,
    measure: Callable[[Float[Tensor, "batch ..."]], Float[Tensor, "batch ..."]] | None = None,
    frozen: Bool[Tensor, "..."] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    num_steps: int = 60,
) -> Farthest:
    """Maximise ``|measure(x) - measure(image)|`` over the fiber, row by row.

    ``measure`` maps points, in the user's shape, to what is compared: by default the points themselves; for a fiber in
    generator coordinates the decoder, so that distance is in pixels. The search begins at ``start``, by default the
    point of the box opposite to the image; pixels under ``frozen`` keep the value that they have there. Far points
    are many, and the maximum is local. Raises `FiberscopeError` for bad input.
    """
    latent_map = fiber.latent_map
    goals = set_up(fiber, images, frozen=None, rtol=rtol, atol=atol)
    begin = latent_map.unflatten(_opposite(goals.rows, goals.task.lower, goals.task.upper)) if start is None else start
    rows, task, tolerance = set_up(fiber, begin, frozen=frozen, rtol=rtol, atol=atol)
    away = _Repulsion(goals.rows, Measure(latent_map, measure))
    found = descend(latent_map, rows, task, away, num_steps=num_steps, gtol=1e-2)
    norm = fiber.residual(found.rows).norm(dim=1)
    outcome = diagnose(latent_map, found.rows, norm, tolerance, task)
    distance = -away.value(found.rows[:, None], torch.arange(rows.shape[0], device=rows.device))
    return Farthest(latent_map.unflatten(found.rows), norm, tolerance, distance, found.num_jacobians, outcome)


class _Repulsion(NamedTuple):
    """Minus the distance from a goal, one a group."""

    goals: Float[Tensor, "batch n"]
    measure: Measure

    def value(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, " group"]:
        away = self.measure(rows[:, 0]) - self.measure(self.goals[groups])
        distance: Tensor = torch.linalg.vector_norm(away, dim=1)
        return -distance

    def wish(self, rows: Float[Tensor, "group 1 n"], groups: Int[Tensor, " group"]) -> Float[Tensor, "group 1 n"]:
        """As far again as the row has come, along the gradient of the distance."""
        goals = self.goals[groups]
        gradient = self.measure.pull_back(rows[:, 0], self.measure(rows[:, 0]) - self.measure(goals))
        length: Tensor = torch.linalg.vector_norm(rows[:, 0] - goals, dim=1, keepdim=True)
        return (length * torch.nn.functional.normalize(gradient, dim=1))[:, None]


def _opposite(rows: Tensor, lower: Tensor, upper: Tensor) -> Float[Tensor, "batch n"]:
    """Each coordinate at its farther bound; where there is none, on the other side of zero."""
    mirrored = torch.where(rows - lower > upper - rows, lower, upper)
    return torch.where(mirrored.isfinite(), mirrored, -rows)
