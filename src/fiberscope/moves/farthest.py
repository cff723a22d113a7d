"""The image on a fiber that is farthest from a given image."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.moves.arguments import check_count
from fiberscope.moves.descent import descend
from fiberscope.moves.measure import Measure
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.setup import Setup, expand_mask, set_up
from fiberscope.moves.verdict import judge
from fiberscope.problem import Fiber, LatentMap, Tube
from fiberscope.problem.modes import undisturbed


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
    surrogate_gradient: bool = False

    def raise_if_failed(self) -> Farthest:
        """The result itself; raises `MoveFailedError` with the advice for the rows that failed."""
        raise_if_failed(self.outcome)
        return self


@undisturbed
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
    point of the box opposite to the image. Pixels under ``frozen`` keep the value that they have in ``start``, without
    one that of the image. Far points are many, and the maximum is local. Raises `FiberscopeError` for bad input.
    """
    check_count("num_steps", num_steps, least=0)
    goals = set_up(fiber, images, frozen=None, rtol=rtol, atol=atol)
    latent_map = fiber.latent_map
    begin = _opposite(latent_map, images, goals, frozen) if start is None else start
    rows, task, tolerance = set_up(fiber, begin, frozen=frozen, rtol=rtol, atol=atol)
    away = _Repulsion(goals.rows, Measure(latent_map, measure))
    found = descend(latent_map, rows, task, away, num_steps=num_steps, gtol=1e-2)
    rows, norm, outcome = judge(latent_map, found.rows, task, tolerance)
    distance = -away.value(rows[:, None], torch.arange(len(rows), device=rows.device))
    surrogate = latent_map.surrogate_gradient
    return Farthest(latent_map.unflatten(rows), norm, tolerance, distance, found.num_jacobians, outcome, surrogate)


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


def _opposite(
    latent_map: LatentMap, images: Float[Tensor, "batch ..."], goals: Setup, frozen: Bool[Tensor, "..."] | None
) -> Float[Tensor, "batch ..."]:
    """Each coordinate at its farther bound; where there is none, on the other side of zero; frozen ones as they are."""
    rows, lower, upper = goals.rows, goals.task.lower, goals.task.upper
    mirrored = torch.where(rows - lower > upper - rows, lower, upper)
    # In the box also where that is open on one side only.
    mirrored = torch.where(mirrored.isfinite(), mirrored, -rows).maximum(lower).minimum(upper)
    if frozen is not None:
        still = latent_map.flatten(images.detach())
        mirrored = torch.where(expand_mask(frozen, latent_map, rows), still, mirrored)
    return latent_map.unflatten(mirrored)
