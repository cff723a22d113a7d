"""Come near a target by gradients alone: limited-memory quasi-Newton steps inside the box, row by row."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.matrix_free import MatrixFree, whiten
from fiberscope.moves.task import Task
from fiberscope.problem import LatentMap

_MEMORY = 40  # pairs of a step and what it did to the gradient; each is two images
_DECREASE = 1e-4  # share of the decrease promised by the slope that a step has to bring
_BEND = 1e-10  # least cosine of step and change of gradient: below it a pair teaches nothing
_SHORTER = (0.1, 0.5)  # a step that was too long is shortened to between these shares
_LEAST_LENGTH = 1e-8  # share of a step below which a row has stalled


class Approach(NamedTuple):
    """Where each row came, how far outside its ball its latent is, and the gradients that it cost."""

    rows: Float[Tensor, "batch n"]
    residual_norm: Float[Tensor, " batch"]
    num_gradients: Int[Tensor, " batch"]


class _Pairs(NamedTuple):
    """The last steps and changes of gradient, oldest first; ``inverse`` is 1 / (step · change), zero for no pair."""

    steps: list[Float[Tensor, "live n"]]
    changes: list[Float[Tensor, "live n"]]
    inverse: list[Float[Tensor, " live"]]


class _State(NamedTuple):
    """Rows still on the way; ``scale`` is that of the inverse curvature, ``length`` the share of ``step`` to try."""

    origin: Int[Tensor, " live"]
    task: Task
    goal: Float[Tensor, " live"]
    root: Float[Tensor, "live m m"]
    rows: Float[Tensor, "live n"]
    residual_norm: Float[Tensor, " live"]
    norm: Float[Tensor, " live"]
    gradient: Float[Tensor, "live n"]
    scale: Float[Tensor, " live"]
    step: Float[Tensor, "live n"]
    length: Float[Tensor, " live"]

    def take(self, keep: Bool[Tensor, " live"]) -> _State:
        return _State(self.origin[keep], self.task.take(keep), *(part[keep] for part in self[2:]))


def come_near(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    task: Task,
    goal: Float[Tensor, " batch"],
    root: Float[Tensor, "batch m m"],
    *,
    num_steps: int,
) -> Approach:
    """Lower the weighed residual ``|root⁻¹ excess|`` of each row to ``goal``, by at most ``num_steps`` gradients.

    A row whose residual is within its tolerance is done as well.

    Projected L-BFGS on half its square: pixels that stand at a bound and would leave it are held for that
    step. A gradient is a forward pass and one pullback, six times cheaper on a convolutional network than one
    iteration of conjugate gradients there; and where the linearisation holds for a fraction of a step only, curvature
    learned along the way carries further than any solution of the linearised problem. Keeps 40 pairs: 80 n
    numbers a row.

    References:
        Liu and Nocedal (1989), On the limited memory BFGS method for large scale optimization.
        Bertsekas (1982), Projected Newton methods for optimization problems with simple constraints.
    """
    found, state = _start(latent_map, rows, task, goal, root)
    pairs = _Pairs([], [], [])
    for _ in range(num_steps):
        if state.origin.numel() == 0:
            break
        state, pairs = _advance(latent_map, state, pairs, found)
    _keep(found, state)
    return found


def _start(
    latent_map: LatentMap,
    rows: Float[Tensor, "batch n"],
    task: Task,
    goal: Float[Tensor, " batch"],
    root: Float[Tensor, "batch m m"],
) -> tuple[Approach, _State]:
    residual_norm, norm, gradient = _look(latent_map, rows, task, root)
    found = Approach(rows.clone(), residual_norm.nan_to_num(nan=torch.inf), torch.ones_like(norm, dtype=torch.long))
    state = _State(
        origin=torch.arange(len(rows), device=rows.device),
        task=task,
        goal=goal,
        root=root,
        rows=rows,
        residual_norm=residual_norm,
        norm=norm,
        gradient=gradient,
        # The length at which a straight slope would reach zero.
        scale=norm.square() / 2 / gradient.square().sum(dim=1).clamp_min(torch.finfo(norm.dtype).tiny),
        step=gradient,
        length=torch.ones_like(norm),
    )
    state = state._replace(step=_step(state, _Pairs([], [], [])))
    return found, state.take(
        (norm > goal) & (residual_norm > task.tolerance) & norm.isfinite() & gradient.isfinite().all(dim=1)
    )


def _advance(latent_map: LatentMap, state: _State, pairs: _Pairs, found: Approach) -> tuple[_State, _Pairs]:
    rows = (state.rows + state.length[:, None] * state.step).maximum(state.task.lower).minimum(state.task.upper)
    residual_norm, norm, gradient = _look(latent_map, rows, state.task, state.root)
    found.num_gradients[state.origin] += 1
    moved = rows - state.rows
    slope = (state.gradient * moved).sum(dim=1)
    gained = (norm.square() - state.norm.square()) / 2
    accepted = (gained <= _DECREASE * slope) & (slope < 0) & gradient.isfinite().all(dim=1)
    pairs, scale = _learn(pairs, moved, gradient - state.gradient, accepted, state.scale)
    shorter = (-slope / (2 * (gained - slope))).nan_to_num(nan=_SHORTER[0]).clamp(*_SHORTER)
    column = accepted[:, None]
    state = state._replace(
        rows=torch.where(column, rows, state.rows),
        residual_norm=torch.where(accepted, residual_norm, state.residual_norm),
        norm=torch.where(accepted, norm, state.norm),
        gradient=torch.where(column, gradient, state.gradient),
        scale=scale,
        length=torch.where(accepted, 1.0, shorter * state.length),
    )
    state = state._replace(step=torch.where(column, _step(state, pairs), state.step))
    live = (state.norm > state.goal) & (state.residual_norm > state.task.tolerance) & (state.length > _LEAST_LENGTH)
    if bool(live.all()):
        return state, pairs
    _keep(found, state)
    return state.take(live), _Pairs(*([part[live] for part in parts] for parts in pairs))


def _look(
    latent_map: LatentMap, rows: Float[Tensor, "live n"], task: Task, root: Float[Tensor, "live m m"]
) -> tuple[Float[Tensor, " live"], Float[Tensor, " live"], Float[Tensor, "live n"]]:
    """The residual, the weighed residual, and the gradient of half the square of this."""
    differential = MatrixFree(latent_map, rows, root)
    excess = task.excess(differential.latents)
    weighed = whiten(root, excess)
    return excess.norm(dim=1), weighed.norm(dim=1), differential.pull(weighed)


def _keep(found: Approach, state: _State) -> None:
    """Write down what these rows have reached, in place."""
    found.rows.index_copy_(0, state.origin, state.rows)
    found.residual_norm.index_copy_(0, state.origin, state.residual_norm)


def _learn(
    pairs: _Pairs,
    moved: Float[Tensor, "live n"],
    change: Float[Tensor, "live n"],
    accepted: Bool[Tensor, " live"],
    scale: Float[Tensor, " live"],
) -> tuple[_Pairs, Float[Tensor, " live"]]:
    """The pairs with the new one, the oldest forgotten, and the scale that the new one tells."""
    bend, square = (moved * change).sum(dim=1), change.square().sum(dim=1)
    usable = accepted & (bend > _BEND * (square * moved.square().sum(dim=1)).sqrt())
    if not bool(usable.any()):
        return pairs, scale
    inverse = torch.where(usable, 1 / bend, 0.0)
    column = usable[:, None]
    kept = zip(pairs, (torch.where(column, moved, 0.0), torch.where(column, change, 0.0), inverse), strict=True)
    return _Pairs(*([*old, new][-_MEMORY:] for old, new in kept)), torch.where(usable, bend / square, scale)


def _step(state: _State, pairs: _Pairs) -> Float[Tensor, "live n"]:
    """The quasi-Newton step of the pixels that are free to take it; straight down where that would not lead down."""
    out = ((state.rows <= state.task.lower) & (state.gradient > 0)) | (
        (state.rows >= state.task.upper) & (state.gradient < 0)
    )
    gradient = state.gradient.masked_fill(out, 0.0)
    step, shares = gradient, []
    for moved, change, inverse in reversed(list(zip(*pairs, strict=True))):
        shares.append(inverse * (moved * step).sum(dim=1))
        step = step - shares[-1][:, None] * change
    step = state.scale[:, None] * step
    for moved, change, inverse in zip(*pairs, strict=True):
        step = step + (shares.pop() - inverse * (change * step).sum(dim=1))[:, None] * moved
    step = -step.masked_fill(out, 0.0)
    down = (step * gradient).sum(dim=1, keepdim=True) < 0
    return torch.where(down, step, -state.scale[:, None] * gradient)
