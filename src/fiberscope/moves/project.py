"""Project images onto a fiber."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.differentiate import Method, method_for
from fiberscope.moves.arguments import is_count
from fiberscope.moves.correction import Correction
from fiberscope.moves.corrector import correct
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.setup import set_up
from fiberscope.moves.task import Task
from fiberscope.moves.verdict import judge
from fiberscope.problem import Fiber, FiberscopeError, LatentMap, Tube
from fiberscope.problem.modes import undisturbed


class Projection(NamedTuple):
    """An image on the fiber (in the tube) for each row, or the best approach where none was found.

    ``residual_norm`` is ``|f(x) - target|``, the worst of fresh forward passes over the batch and over the row alone,
    ``tolerance`` what it must not exceed. ``method`` says whether Jacobians were formed, or known by their products
    because of their size, ``surrogate_gradient`` whether the latent map follows one on purpose.
    """

    points: Float[Tensor, "batch ..."]
    residual_norm: Float[Tensor, " batch"]
    tolerance: Float[Tensor, " batch"]
    num_jacobians: Int[Tensor, " batch"]
    outcome: tuple[Outcome, ...]
    method: Method
    surrogate_gradient: bool = False

    def raise_if_failed(self) -> Projection:
        """The result itself; raises `MoveFailedError` with the advice for the rows that failed."""
        raise_if_failed(self.outcome)
        return self


@undisturbed
def project(
    fiber: Fiber | Tube,
    images: Float[Tensor, "batch ..."],
    *,
    frozen: Bool[Tensor, "..."] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    num_steps: int = 60,
    num_restarts: int = 12,
) -> Projection:
    """Bring each image onto the fiber by small steps, every pixel inside the box, pixels under ``frozen`` unchanged.

    A row is on the fiber when ``|f(x) - target| <= max(atol, rtol |target|)``; ``rtol`` is 1e-5 in float32 and 1e-10 in
    float64 unless given. It is in a tube when ``|f(x) - target| <= radius``. A row that stalls starts again, up to
    ``num_restarts`` times, from a fixed series of dimmed, noisy and flat versions of its image; what it finds then is
    on the fiber but less near. A row that stands at what rounding leaves of a forward pass stops there: its outcome is
    "at rounding level". Each row is independent of the others. Raises `FiberscopeError` for bad input;
    numerical trouble is the row's `Outcome`.
    """
    rows, task, tolerance = set_up(fiber, images, frozen=frozen, rtol=rtol, atol=atol)
    if not is_count(num_steps, least=1) or not is_count(num_restarts, least=0):
        raise FiberscopeError(
            "num_steps, num_restarts: expected at least one step and no fewer than zero restarts, in whole numbers, "
            f"found {num_steps!r} and {num_restarts!r}."
        )
    latent_map, method = fiber.latent_map, method_for(fiber.latent_map)
    found = reach(latent_map, rows, task, num_steps=num_steps, num_restarts=num_restarts)
    rows, norm, outcome = judge(latent_map, found.rows, task, tolerance)
    points = latent_map.unflatten(rows)
    return Projection(points, norm, tolerance, found.num_jacobians, outcome, method, latent_map.surrogate_gradient)


def reach(
    latent_map: LatentMap, rows: Float[Tensor, "batch n"], task: Task, *, num_steps: int, num_restarts: int
) -> Correction:
    """Correct rows onto their fibers, with new starts for those that stall; the best point of all starts for each."""
    best = correct(latent_map, rows, task, num_steps=num_steps)
    for attempt in range(num_restarts):
        lost = ((best.residual_norm > task.tolerance) & ~best.at_rounding).nonzero()[:, 0]
        if lost.numel() == 0:
            break
        there = task.take(lost)
        onward = attempt % 3 == 2  # every third attempt goes on from the best point, for longer
        start = best.rows[lost] if onward else _restart(attempt, rows[lost], there)
        steps, damping = (4 * num_steps, 0.0) if onward else (2 * num_steps, _DAMPINGS[attempt % len(_DAMPINGS)])
        again = correct(latent_map, start, there, num_steps=steps, damping=damping)
        best.num_jacobians[lost] += again.num_jacobians
        better = again.residual_norm < best.residual_norm[lost]
        best.rows[lost[better]] = again.rows[better]
        best.residual_norm[lost[better]] = again.residual_norm[better]
        best.at_rounding[lost] = again.at_rounding
    return best


def _restart(attempt: int, rows: Float[Tensor, "lost n"], task: Task) -> Float[Tensor, "lost n"]:
    """The start of an attempt: a blend of the image with a dark, bright or noisy one, the same for every row."""
    low = torch.where(task.lower.isfinite(), task.lower, rows.amin(dim=1, keepdim=True))
    high = torch.where(task.upper.isfinite(), task.upper, rows.amax(dim=1, keepdim=True))
    generator = torch.Generator().manual_seed(attempt)
    noise = torch.rand(rows.shape[1], generator=generator, dtype=torch.float64).to(rows)
    share, ceiling = _RESTARTS[(attempt - attempt // 3) % len(_RESTARTS)]
    blend = share * rows + (1 - share) * (low + ceiling * noise * (high - low))
    return blend.maximum(task.lower).minimum(task.upper)


# Small first steps for some starts: where latents saturate, a full Gauss-Newton step overshoots into the flat.
_DAMPINGS = (1e-2, 1.0)

# Share of the image that is kept, and the brightest noise mixed in, as a share of the box. Shrinking toward the dark
# end first: of the stalls on a batch-norm residual network most are thin digits with too much ink to be rid of.
_RESTARTS = ((0.1, 0.0), (0.0, 0.1), (0.5, 1.0), (0.0, 1.0), (0.0, 0.02), (0.3, 0.1))
