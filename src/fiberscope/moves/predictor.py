"""The predictor: which way a row may go from where it stands, to first order."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.geometry.box_step import box_step
from fiberscope.geometry.cone import project_cone
from fiberscope.geometry.differential import Dense, Differential
from fiberscope.geometry.tangent import split_tangent
from fiberscope.moves.task import Task

VISIBLE = 1e-3  # share of a heading that has to be invisible; less is rounding or nearly so
EMPTY_CONE = 1e-3  # share of the heading left by the cone below which there is nowhere to go
_MOST_STRETCH = 0.1  # share of a step left by the box below which a longer wish does not make up for it


class Prediction(NamedTuple):
    """The heading carried over, the step along it, the share of it that the box leaves, and whether it is all seen."""

    heading: Float[Tensor, "batch n"]
    step: Float[Tensor, "batch n"]
    room: Float[Tensor, " batch"]
    visible: Bool[Tensor, " batch"]


def predict(
    task: Task,
    rows: Float[Tensor, "batch n"],
    latents: Float[Tensor, "batch m"],
    differential: Differential,
    heading: Float[Tensor, "batch n"],
    size: Float[Tensor, " batch"],
) -> Prediction:
    """A step of length ``size`` along the unit ``heading``, as far as fiber or tube, and the box, let it.

    On a fiber the heading is carried over by projection on the null space. In a tube it goes straight on, and at the
    surface it turns the way that the step has to slide.
    """
    if not task.is_tube:
        hidden = _invisible(differential, heading)
        heading = torch.nn.functional.normalize(hidden, dim=1)
        cone = project_cone(differential, heading, rows, task.lower, task.upper)
        room = cone.norm(dim=1)
        step = size[:, None] * cone / room.clamp_min(EMPTY_CONE)[:, None]
        return Prediction(heading, step, room, hidden.norm(dim=1) <= VISIBLE)
    everywhere = task._replace(lower=torch.full_like(rows, -torch.inf), upper=torch.full_like(rows, torch.inf))
    free = step_toward(everywhere, rows, latents, differential, size[:, None] * heading)
    heading = torch.nn.functional.normalize(free, dim=1)
    room = step_toward(task, rows, latents, differential, size[:, None] * heading).norm(dim=1) / size
    wish = (size / room.clamp(_MOST_STRETCH, 1.0))[:, None] * heading
    step = step_toward(task, rows, latents, differential, wish)
    return Prediction(heading, step, room, free.norm(dim=1) <= VISIBLE * size)


def step_toward(
    task: Task,
    rows: Float[Tensor, "batch n"],
    latents: Float[Tensor, "batch m"],
    differential: Differential,
    wish: Float[Tensor, "batch n"],
) -> Float[Tensor, "batch n"]:
    """The step nearest to ``wish`` in the box that keeps the linearised latent in its ball; on a fiber, as it is."""
    lower, upper = task.lower - rows, task.upper - rows
    if not task.is_tube:
        return box_step(differential, torch.zeros_like(latents), lower, upper, wish=wish).step
    return box_step(differential, task.targets - latents, lower, upper, wish=wish, radius=task.radius).step


def feasible_direction(
    task: Task,
    rows: Float[Tensor, "batch n"],
    latents: Float[Tensor, "batch m"],
    differential: Differential,
    directions: Float[Tensor, "batch n"],
) -> Float[Tensor, "batch n"]:
    """The part of each direction in the tangent cone: of the fiber in the box, or of the tube in the box.

    Inside a tube only the box limits it; on the tube's surface also what would lead out, to first order.
    """
    if not task.is_tube:
        return project_cone(differential, directions, rows, task.lower, task.upper)
    residual = latents - task.targets
    outward = differential.pull(torch.nn.functional.normalize(residual, dim=1))[:, None]
    on_surface = residual.norm(dim=1) >= task.radius - 2 * task.tolerance
    loose = project_cone(torch.zeros_like(outward), directions, rows, task.lower, task.upper)
    leaves = on_surface & ((outward[:, 0] * loose).sum(dim=1) > 0)
    along = project_cone(outward, directions, rows, task.lower, task.upper)
    return torch.where(leaves[:, None], along, loose)


def _invisible(differential: Differential, heading: Float[Tensor, "batch n"]) -> Float[Tensor, "batch n"]:
    """The part of a heading in the null space; of a derivative known by products, as far as these tell it."""
    if isinstance(differential, Dense):
        return split_tangent(differential.matrix).project_tangent(heading)
    infinity = torch.full_like(heading, torch.inf)
    still = heading.new_zeros(len(heading), differential.latent_size)
    return box_step(differential, still, -infinity, infinity, wish=heading).step
