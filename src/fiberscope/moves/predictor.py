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
    jacobian: Float[Tensor, "batch m n"] | Differential,
    heading: Float[Tensor, "batch n"],
    size: Float[Tensor, " batch"],
) -> Prediction:
    """A step of length ``size`` along the unit ``heading``, as far as fiber or tube, and the box, let it.

    On a fiber the heading is carried over by projection on the null space. In a tube it goes straight on, and at the
    surface it turns the way that the step has to slide.
    """
    if _is_fiber(task):
        hidden = _invisible(jacobian, heading)
        heading = torch.nn.functional.normalize(hidden, dim=1)
        cone = project_cone(jacobian, heading, rows, task.lower, task.upper)
        room = cone.norm(dim=1)
        step = size[:, None] * cone / room.clamp_min(EMPTY_CONE)[:, None]
        return Prediction(heading, step, room, hidden.norm(dim=1) <= VISIBLE)
    everywhere = task._replace(lower=torch.full_like(rows, -torch.inf), upper=torch.full_like(rows, torch.inf))
    free = step_toward(everywhere, rows, latents, jacobian, size[:, None] * heading)
    heading = torch.nn.functional.normalize(free, dim=1)
    room = step_toward(task, rows, latents, jacobian, size[:, None] * heading).norm(dim=1) / size
    wish = (size / room.clamp(_MOST_STRETCH, 1.0))[:, None] * heading
    step = step_toward(task, rows, latents, jacobian, wish)
    return Prediction(heading, step, room, free.norm(dim=1) <= VISIBLE * size)


def step_toward(
    task: Task,
    rows: Float[Tensor, "batch n"],
    latents: Float[Tensor, "batch m"],
    jacobian: Float[Tensor, "batch m n"] | Differential,
    wish: Float[Tensor, "batch n"],
) -> Float[Tensor, "batch n"]:
    """The step nearest to ``wish`` in the box that keeps the linearised latent in its ball; on a fiber, as it is."""
    lower, upper = task.lower - rows, task.upper - rows
    if _is_fiber(task):
        return box_step(jacobian, torch.zeros_like(latents), lower, upper, wish=wish).step
    return box_step(jacobian, task.targets - latents, lower, upper, wish=wish, radius=task.radius).step


def feasible_direction(
    task: Task,
    rows: Float[Tensor, "batch n"],
    latents: Float[Tensor, "batch m"],
    jacobian: Float[Tensor, "batch m n"] | Differential,
    directions: Float[Tensor, "batch n"],
) -> Float[Tensor, "batch n"]:
    """The part of each direction in the tangent cone: of the fiber in the box, or of the tube in the box.

    Inside a tube only the box limits it; on the tube's surface also what would lead out, to first order.
    """
    if _is_fiber(task):
        return project_cone(jacobian, directions, rows, task.lower, task.upper)
    residual = latents - task.targets
    differential = Dense(jacobian) if isinstance(jacobian, Tensor) else jacobian
    outward = differential.pull(torch.nn.functional.normalize(residual, dim=1))[:, None]
    on_surface = residual.norm(dim=1) >= task.radius - 2 * task.tolerance
    loose = project_cone(torch.zeros_like(outward), directions, rows, task.lower, task.upper)
    leaves = on_surface & ((outward[:, 0] * loose).sum(dim=1) > 0)
    along = project_cone(outward, directions, rows, task.lower, task.upper)
    return torch.where(leaves[:, None], along, loose)


def _invisible(
    jacobian: Float[Tensor, "batch m n"] | Differential, heading: Float[Tensor, "batch n"]
) -> Float[Tensor, "batch n"]:
    """The part of a heading in the null space; known by products, as far as these tell it."""
    if isinstance(jacobian, Dense):
        jacobian = jacobian.matrix
    if isinstance(jacobian, Tensor):
        return split_tangent(jacobian).project_tangent(heading)
    infinity = torch.full_like(heading, torch.inf)
    return box_step(jacobian, jacobian.push(torch.zeros_like(heading)), -infinity, infinity, wish=heading).step


def _is_fiber(task: Task) -> bool:
    return not bool((task.radius > 0).any())
