"""A population on one fiber, pushed apart: metamers as different from one another as can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.moves.arguments import check_count, check_tensor
from fiberscope.moves.descent import descend
from fiberscope.moves.measure import Measure
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.setup import set_up
from fiberscope.moves.verdict import judge
from fiberscope.problem import Fiber, FiberscopeError, Tube
from fiberscope.problem.modes import undisturbed

_POWER = 4  # of the inverse distances; high enough that the nearest pairs decide, low enough to be smooth


class Spread(NamedTuple):
    """A population for each row. ``distance`` is Euclidean between its members, as ``measure`` sees them."""

    points: Float[Tensor, "batch member ..."]
    residual_norm: Float[Tensor, "batch member"]
    tolerance: Float[Tensor, "batch member"]
    distance: Float[Tensor, "batch member member"]
    num_jacobians: Int[Tensor, "batch member"]
    outcome: tuple[tuple[Outcome, ...], ...]
    surrogate_gradient: bool = False

    def raise_if_failed(self) -> Spread:
        """The result itself; raises `MoveFailedError` with the advice for the members that failed."""
        raise_if_failed(tuple(outcome for population in self.outcome for outcome in population))
        return self


@undisturbed
def spread(
    fiber: Fiber | Tube,
    starts: Float[Tensor, "batch member ..."],
    *,
    measure: Callable[[Float[Tensor, "batch ..."]], Float[Tensor, "batch ..."]] | None = None,
    frozen: Bool[Tensor, "..."] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    num_steps: int = 40,
) -> Spread:
    """Bring the members of each population onto their fiber, then push them apart along it.

    ``fiber`` has a target for all rows or one a row; ``starts`` holds at least two different members a row. What falls
    is the Riesz energy, the mean of ``distance^-4`` over pairs, with distances as in ``farthest``: the nearest pairs
    weigh most. Populations are independent of one another; each is a local optimum that depends on its start. Raises
    `FiberscopeError` for bad input.

    References:
        Hardin and Saff (2004), Discretizing manifolds via minimum energy points.
    """
    latent_map = fiber.latent_map
    check_count("num_steps", num_steps, least=0)
    _check(starts)
    batch, members = starts.shape[:2]
    each = _repeat(fiber, batch, members)
    rows, task, tolerance = set_up(each, starts.flatten(0, 1), frozen=frozen, rtol=rtol, atol=atol)
    apart = _Riesz(Measure(latent_map, measure))
    found = descend(latent_map, rows, task, apart, members=members, num_steps=num_steps, gtol=1e-2)
    ended, norm, outcome = judge(latent_map, found.rows, task, tolerance)
    seen = apart.measure(ended)
    grouped = (batch, members)
    return Spread(
        latent_map.unflatten(ended).reshape(starts.shape),
        norm.view(grouped),
        tolerance.view(grouped),
        _distances(seen.view(batch, members, seen.shape[1])),
        found.num_jacobians.view(grouped),
        tuple(outcome[row * members : (row + 1) * members] for row in range(batch)),
        latent_map.surrogate_gradient,
    )


def _check(starts: Tensor) -> None:
    check_tensor("starts", starts)
    if starts.ndim < 3 or starts.shape[1] < 2:
        raise FiberscopeError(
            f"starts: expected at least two members a row, shape (batch, member, ...), found {tuple(starts.shape)}."
        )
    alike = (_distances(starts.flatten(2)) == 0).sum(dim=(1, 2)) > starts.shape[1]
    if bool(alike.any()):
        raise FiberscopeError(
            f"starts: two members of row {int(alike.nonzero()[0, 0])} are the same, and nothing drives them apart. "
            "Start from different images, or add noise."
        )


def _repeat(fiber: Fiber | Tube, batch: int, members: int) -> Fiber | Tube:
    targets = fiber.targets(batch).repeat_interleave(members, dim=0)
    each = Fiber(fiber.latent_map, targets, fiber.box)
    return Tube(each, fiber.radii(batch).repeat_interleave(members)) if isinstance(fiber, Tube) else each


def _distances(seen: Float[Tensor, "group member p"]) -> Float[Tensor, "group member member"]:
    # By differences: the short way by inner products loses near pairs to rounding.
    return torch.stack([torch.linalg.vector_norm(seen - one[:, None], dim=2) for one in seen.unbind(1)], dim=1)


class _Riesz(NamedTuple):
    """The energy of a population, as the length whose power is the mean of those of all pairs; minus, to be lowered."""

    measure: Measure

    def value(self, rows: Float[Tensor, "group member n"], groups: Int[Tensor, " group"]) -> Float[Tensor, " group"]:
        return -_mean_length(_distances(self._see(rows)))

    def wish(
        self, rows: Float[Tensor, "group member n"], groups: Int[Tensor, " group"]
    ) -> Float[Tensor, "group member n"]:
        """Down the energy, and for the member that is pushed hardest as far as neighbours are apart in coordinates."""
        seen = self._see(rows)
        gaps = seen[:, :, None] - seen[:, None]
        distance = _distances(seen)
        length = _mean_length(distance)[:, None, None]
        force = (length / distance.masked_fill(distance == 0, torch.inf)) ** (_POWER + 2)
        push = (force[..., None] * gaps).sum(dim=2)
        gradient = self.measure.pull_back(rows.flatten(0, 1), push.flatten(0, 1)).view_as(rows)
        hardest = gradient.norm(dim=2).amax(dim=1).clamp_min(torch.finfo(rows.dtype).tiny)
        reach = _mean_length(_distances(rows))
        wish: Tensor = gradient * (reach / hardest)[:, None, None]
        return wish

    def _see(self, rows: Float[Tensor, "group member n"]) -> Float[Tensor, "group member p"]:
        seen = self.measure(rows.flatten(0, 1))
        return seen.view(*rows.shape[:2], seen.shape[1])


def _mean_length(distance: Float[Tensor, "group member member"]) -> Float[Tensor, " group"]:
    """The power mean of all distances between two members, at power -4."""
    pairs = distance.shape[1] * (distance.shape[1] - 1)
    nearest = distance.masked_fill(distance == 0, torch.inf).amin(dim=(1, 2))
    power = (nearest[:, None, None] / distance.masked_fill(distance == 0, torch.inf)) ** _POWER
    return nearest * (power.sum(dim=(1, 2)) / pairs) ** (-1 / _POWER)
