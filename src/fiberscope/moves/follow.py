"""Follow a series of fibers: onto the last, which is out of reach from afar, by way of the others."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.moves.project import Projection, project
from fiberscope.problem import Fiber, FiberscopeError, Tube
from fiberscope.problem.modes import undisturbed


@undisturbed
def follow(
    fibers: Sequence[Fiber | Tube],
    images: Float[Tensor, "batch ..."],
    *,
    frozen: Bool[Tensor, "..."] | None = None,
    rtol: float | None = None,
    rtol_between: float = 1e-3,
    num_steps: int = 60,
    num_restarts: int = 0,
) -> tuple[Projection, ...]:
    """Project images onto the first fiber, what is found there onto the second, and so on; a result for each.

    For a latent map that leads nowhere from the images, such as one whose latents are dead there, let the series begin
    with a map that leads everywhere and end with the one that is meant: ``leaky_series`` makes such maps. Map and
    target move together, so each fiber is near what was found on the one before. All but the last are reached to
    ``rtol_between`` only, for nobody stays there; the other options are those of `project`. The last result is the
    answer, and says by its outcome whether it is on the fiber that was meant, however the others ended. Raises
    `FiberscopeError` for bad input.

    References:
        Allgower and Georg (1990), Numerical Continuation Methods, section 1.1.
    """
    if not fibers:
        raise FiberscopeError("fibers: expected at least one.")
    results: list[Projection] = []
    for place, fiber in enumerate(fibers, start=1):
        last = place == len(fibers)
        results.append(
            project(
                fiber,
                results[-1].points if results else images,
                frozen=frozen,
                rtol=rtol if last else rtol_between,
                num_steps=num_steps,
                num_restarts=num_restarts,
            )
        )
    return tuple(results)
