"""The corrector for large inputs: inexact Gauss-Newton inside the box by products, with quasi-Newton steps far away."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.box_step import box_step
from fiberscope.geometry.matrix_free import MatrixFree, whiten
from fiberscope.geometry.rounding import rounding_level
from fiberscope.geometry.sketch import sketch_root
from fiberscope.moves.correction import Correction
from fiberscope.moves.quasi_newton import come_near
from fiberscope.moves.task import Task
from fiberscope.moves.trial import residual_of
from fiberscope.problem import LatentMap

_LENGTHS = (1.0, 0.25, 0.0625)  # shares of a step that are tried, a forward pass each
_FIRST_DAMPING = 0.1  # in units of the mean squared singular value
_LEAST_DAMPING = 1e-5
_FORCING = (0.9, 0.05, 0.5)  # Eisenstat and Walker's second choice: factor, least and greatest
_GOOD = 0.5  # a step that leaves less of the residual is worth another at once
_NEARER = 0.1  # what quasi-Newton steps have to leave of the residual before the next Gauss-Newton step is tried
_GRADIENTS = 400  # of quasi-Newton in a round
_SETBACKS = 2  # Gauss-Newton steps that did not do, after which a row goes on in the natural metric without them
_STALLED = 0.9  # a round that leaves more of the residual is the last
_RIDGES = (1e-5, 1e-2)  # of the sketched Gram matrix near and far from the target, in units of its mean diagonal
_NEAR = 0.1  # relative residual below which the ridge fades: latents that are dead far away come to life on the way


class _State(NamedTuple):
    """Rows still on the way. ``root`` weighs their residuals; ``norm`` is that of the weighed ones.

    ``damping`` is in units of the mean squared singular value, ``forcing`` the relative error to which the next step is
    solved. ``setbacks`` counts rounds whose Gauss-Newton step did not do.
    """

    origin: Int[Tensor, " live"]
    task: Task
    rows: Float[Tensor, "live n"]
    residual_norm: Float[Tensor, " live"]
    root: Float[Tensor, "live m m"]
    norm: Float[Tensor, " live"]
    damping: Float[Tensor, " live"]
    forcing: Float[Tensor, " live"]
    setbacks: Int[Tensor, " live"]
    num_jacobians: Int[Tensor, " live"]

    def take(self, index: Bool[Tensor, " live"] | Int[Tensor, " some"]) -> _State:
        return _State(self.origin[index], self.task.take(index), *(part[index] for part in self[2:]))

    def put(self, index: Int[Tensor, " some"], part: _State) -> _State:
        """All rows, with what is new of some; their tasks do not change."""
        pairs = zip(self[2:], part[2:], strict=True)
        return _State(self.origin, self.task, *(old.index_copy(0, index, new) for old, new in pairs))


def correct_inexactly(
    latent_map: LatentMap, rows: Float[Tensor, "batch n"], task: Task, *, num_steps: int, damping: float = 0.0
) -> Correction:
    """Bring rows to their targets inside their bounds by at most ``num_steps`` rounds that form no Jacobian.

    A round is a Levenberg-Marquardt step, solved by conjugate gradients, the more exactly the nearer the target, and
    shortened by forward passes alone. Where it leaves more than half of the residual, the linearisation does not reach
    far enough, and up to 400 gradients of projected L-BFGS follow. At its second such round, a row goes on by L-BFGS
    alone, in the natural metric ``|(J Jᵀ + ridge)^(-1/2) residual|``, with a sketch of ``J Jᵀ`` that costs m pullbacks
    a round: weakly visible latents arrive with the others then. A row that such a round brings no nearer stops.
    ``damping`` is the least damping at the start, in units of the mean squared singular value.

    Memory beside the graph of one forward pass: 80 n numbers a row for L-BFGS, and 6 m² for the sketch.

    References:
        Dembo, Eisenstat and Steihaug (1982), Inexact Newton methods.
        Eisenstat and Walker (1996), Choosing the forcing terms in an inexact Newton method.
        Deuflhard (2011), Newton Methods for Nonlinear Problems, section 3.3 on natural level functions.
    """
    found, state = _start(latent_map, rows, task, max(damping, _FIRST_DAMPING))
    for _ in range(num_steps):
        if state.origin.numel() == 0:
            break
        state = _round(latent_map, state, found)
    _keep(found, state)
    return found


def _start(
    latent_map: LatentMap, rows: Float[Tensor, "batch n"], task: Task, damping: float
) -> tuple[Correction, _State]:
    norm = residual_of(latent_map, rows, task).norm(dim=1)
    nothing = torch.zeros_like(norm, dtype=torch.bool)
    found = Correction(rows.clone(), norm.nan_to_num(nan=torch.inf), torch.zeros_like(norm, dtype=torch.long), nothing)
    m = task.targets.shape[1]
    state = _State(
        origin=torch.arange(len(rows), device=rows.device),
        task=task,
        rows=rows,
        residual_norm=norm,
        root=torch.eye(m, dtype=rows.dtype, device=rows.device).expand(len(rows), m, m),
        norm=norm,
        damping=torch.full_like(norm, damping),
        forcing=torch.full_like(norm, _FORCING[2]),
        setbacks=torch.zeros_like(norm, dtype=torch.long),
        num_jacobians=torch.zeros_like(norm, dtype=torch.long),
    )
    return found, state.take((norm > task.tolerance) & norm.isfinite())


def _round(latent_map: LatentMap, state: _State, found: Correction) -> _State:
    before = state.norm
    state = _where(state, state.setbacks < _SETBACKS, lambda part: _newton(latent_map, part))
    live = state.residual_norm > state.task.tolerance
    stubborn = live & (state.norm > _GOOD * before)
    state = state._replace(setbacks=state.setbacks + stubborn)
    state = _where(state, stubborn & (state.setbacks >= _SETBACKS), lambda part: _weigh(latent_map, part))
    weighed = state.norm
    state = _where(state, stubborn, lambda part: _quasi_newton(latent_map, part))
    live = state.residual_norm > state.task.tolerance
    stalled = live & (state.setbacks >= _SETBACKS) & (state.norm > _STALLED * weighed)
    if bool(stalled.any()):
        level = rounding_level(latent_map, state.rows)
        found.at_rounding[state.origin] = stalled & (state.residual_norm <= level)
    _keep(found, state)
    live = live & ~stalled
    return state if bool(live.all()) else state.take(live)


def _where(state: _State, some: Bool[Tensor, " live"], change: Callable[[_State], _State]) -> _State:
    """All rows, with some of them changed."""
    if bool(some.all()):
        return change(state)
    index = some.nonzero()[:, 0]
    return state.put(index, change(state.take(index))) if index.numel() else state


def _keep(found: Correction, state: _State) -> None:
    """Write down what these rows have reached, where it is the best so far, in place."""
    better = state.residual_norm < found.residual_norm[state.origin]
    found.rows[state.origin[better]] = state.rows[better]
    found.residual_norm[state.origin[better]] = state.residual_norm[better]
    found.num_jacobians.index_copy_(0, state.origin, state.num_jacobians)


def _newton(latent_map: LatentMap, state: _State) -> _State:
    """A Levenberg-Marquardt step of each row, as long as lowers the weighed residual most."""
    here = state.task
    differential = MatrixFree(latent_map, state.rows, state.root)
    before = whiten(state.root, here.excess(differential.latents))
    wanted = box_step(
        differential,
        -before,
        here.lower - state.rows,
        here.upper - state.rows,
        damping=state.damping * differential.norm().square() / before.shape[1],
        rtol=state.forcing,
    )
    moved = state
    for share in _LENGTHS:
        rows = (state.rows + share * wanted.step).maximum(here.lower).minimum(here.upper)
        moved = _nearer(moved, _looked_at(latent_map, state, rows))
        if bool((moved.norm <= _GOOD * state.norm).all()):
            break
    predicted = state.norm.square() - wanted.shortfall.square().sum(dim=1)
    gain = (state.norm.square() - moved.norm.square()) / predicted.clamp_min(torch.finfo(predicted.dtype).tiny)
    factor = torch.where(gain > 0.75, 0.1, torch.where(gain < 0.25, 4.0, 1.0))
    rate, least, most = _FORCING
    return moved._replace(
        damping=(factor * state.damping).clamp_min(_LEAST_DAMPING),
        forcing=(rate * (moved.norm / state.norm).square()).clamp(least, most),
        num_jacobians=state.num_jacobians + 1,
    )


def _quasi_newton(latent_map: LatentMap, state: _State) -> _State:
    """Many cheap steps: until Gauss-Newton is worth another try, or all the way."""
    goal = torch.where(state.setbacks < _SETBACKS, _NEARER * state.norm, 0.0)
    near = come_near(latent_map, state.rows, state.task, goal, state.root, num_steps=_GRADIENTS)
    return _looked_at(latent_map, state, near.rows)._replace(num_jacobians=state.num_jacobians + near.num_gradients)


def _weigh(latent_map: LatentMap, state: _State) -> _State:
    """The same rows with residuals weighed by a sketch taken where they stand."""
    far = state.residual_norm / (_NEAR * state.task.targets.norm(dim=1)).clamp_min(1e-30)
    least, most = _RIDGES
    root = sketch_root(MatrixFree(latent_map, state.rows), ridge=(most * far.square()).clamp(least, most))
    fresh = state._replace(root=root, num_jacobians=state.num_jacobians + 1)
    return _looked_at(latent_map, fresh, state.rows)


def _looked_at(latent_map: LatentMap, state: _State, rows: Float[Tensor, "live n"]) -> _State:
    residual = residual_of(latent_map, rows, state.task)
    return state._replace(rows=rows, residual_norm=residual.norm(dim=1), norm=whiten(state.root, residual).norm(dim=1))


def _nearer(old: _State, new: _State) -> _State:
    better = new.norm < old.norm
    return old._replace(
        rows=torch.where(better[:, None], new.rows, old.rows),
        residual_norm=torch.where(better, new.residual_norm, old.residual_norm),
        norm=torch.where(better, new.norm, old.norm),
    )
