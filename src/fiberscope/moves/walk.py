"""Walk along a fiber in chosen directions, and the straight line of the linearisation to compare with."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.differentiate import Method, differentiate, method_for
from fiberscope.geometry.jacobian import linearise
from fiberscope.geometry.tangent import split_tangent
from fiberscope.moves.arguments import check_tensor, is_count, is_number
from fiberscope.moves.corrector import correct
from fiberscope.moves.outcome import Outcome, raise_if_failed
from fiberscope.moves.predictor import EMPTY_CONE, VISIBLE, predict
from fiberscope.moves.project import reach
from fiberscope.moves.setup import set_up
from fiberscope.moves.task import Task
from fiberscope.moves.verdict import judge, measure
from fiberscope.problem import Fiber, FiberscopeError, LatentMap, Tube
from fiberscope.problem.modes import undisturbed

_CORRECTOR_STEPS = 10
_MOST_SUBSTEPS = 64
_LEAST_STRIDE = 1e-3  # of a stride: where even this is too far for the corrector, the walk has lost its fiber
_ARRIVED = 0.1  # of a stride: closer to a station than this is at it; the next stride makes up for it
_LEAST_YIELD = 0.5  # way made by a step of length 1, at least, when the next one is lengthened to make up for it
_ENDINGS = tuple(Outcome)


class Walk(NamedTuple):
    """Points along each walk at equal distances, the start first; a walk that ended early stays where it stopped.

    ``arc_length`` is the distance gone, in the Euclidean norm over coordinates. ``method`` says whether Jacobians were
    formed.
    """

    points: Float[Tensor, "step batch ..."]
    residual_norm: Float[Tensor, "step batch"]
    arc_length: Float[Tensor, "step batch"]
    tolerance: Float[Tensor, " batch"]
    outcome: tuple[Outcome, ...]
    method: Method
    surrogate_gradient: bool = False

    def raise_if_failed(self) -> Walk:
        """The result itself; raises `MoveFailedError` with the advice for the walks that ended early."""
        raise_if_failed(self.outcome)
        return self


class StraightLine(NamedTuple):
    """Points along the straight line of the linearisation, clipped to the box, and how far they drift off the fiber."""

    points: Float[Tensor, "step batch ..."]
    residual_norm: Float[Tensor, "step batch"]
    arc_length: Float[Tensor, "step batch"]


class _Hike(NamedTuple):
    """Where the walks are; updated in place.

    ``made`` is the way that the last step made, to its length: box and corrector take some. ``ending`` is the place of
    its outcome in ``_ENDINGS``, on the device of the rows, where nothing has to wait for it.
    """

    rows: Float[Tensor, "batch n"]
    heading: Float[Tensor, "batch n"]
    gone: Float[Tensor, " batch"]
    step_size: Float[Tensor, " batch"]
    made: Float[Tensor, " batch"]
    ending: Int[Tensor, " batch"]

    def end(self, rows: Int[Tensor, " some"], outcome: Outcome, ended: Bool[Tensor, " some"]) -> None:
        self.ending[rows] = self.ending[rows].masked_fill(ended, _ENDINGS.index(outcome))


@undisturbed
def walk(
    fiber: Fiber | Tube,
    images: Float[Tensor, "batch ..."],
    directions: Float[Tensor, "walks ..."],
    *,
    length: float = 5.0,
    num_steps: int = 20,
    frozen: Bool[Tensor, "..."] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
) -> Walk:
    """Walk from each image along the fiber (inside the tube), ``length`` far, every point on it and in the box.

    Predictor and corrector: a step along the heading, projected on the tangent cone, then the least way back to the
    fiber. The heading is carried over by projection on the next null space; in a tube it keeps straight until the
    surface, then slides along it. Steps are halved where the corrector has to move far. A walk ends before its length
    in a corner of the box or where the corrector fails; its `Outcome` says which. Images off the fiber are projected
    first. Raises `FiberscopeError` for bad input.

    References:
        Allgower and Georg (2003), Introduction to Numerical Continuation Methods, chapters 2 to 6.
    """
    rows, task, tolerance = set_up(fiber, images, frozen=frozen, rtol=rtol, atol=atol)
    _check_plan(length, num_steps)
    heading = _check_directions(fiber.latent_map, directions, rows)
    found = reach(fiber.latent_map, rows, task, num_steps=60, num_restarts=12)
    begin, _, outcome = judge(fiber.latent_map, found.rows, task, tolerance)
    stride = torch.full_like(tolerance, length / num_steps)
    ending = torch.tensor([_ENDINGS.index(end) for end in outcome], device=rows.device, dtype=torch.long)
    hike = _Hike(begin, heading, torch.zeros_like(tolerance), stride, torch.ones_like(stride), ending)
    stations = [hike.rows.clone()]
    lengths = [hike.gone.clone()]
    for station in range(1, num_steps + 1):
        _go_to(fiber.latent_map, task, hike, goal=length * station / num_steps, stride=length / num_steps)
        stations.append(hike.rows.clone())
        lengths.append(hike.gone.clone())
    norms = _measure(fiber.latent_map, task, tolerance, hike, stations, lengths)
    points = torch.stack([fiber.latent_map.unflatten(station) for station in stations])
    outcomes = tuple(_ENDINGS[end] for end in hike.ending.tolist())
    method, surrogate = method_for(fiber.latent_map), fiber.latent_map.surrogate_gradient
    return Walk(points, norms, torch.stack(lengths), tolerance, outcomes, method, surrogate)


@undisturbed
def walk_straight(
    fiber: Fiber | Tube,
    images: Float[Tensor, "batch ..."],
    directions: Float[Tensor, "walks ..."],
    *,
    length: float = 5.0,
    num_steps: int = 20,
) -> StraightLine:
    """Go straight along each direction's invisible part: what trusting the first derivative alone would give."""
    rows = set_up(fiber, images, frozen=None, rtol=1.0, atol=0.0).rows
    _check_plan(length, num_steps)
    heading = _check_directions(fiber.latent_map, directions, rows)
    split = split_tangent(linearise(fiber.latent_map, rows).jacobian)
    hidden = split.project_tangent(heading)
    unit = torch.where(hidden.norm(dim=1, keepdim=True) > VISIBLE, torch.nn.functional.normalize(hidden, dim=1), 0.0)
    lower, upper = fiber.box.bounds(fiber.latent_map.input_shape, rows)
    lengths = torch.linspace(0.0, length, num_steps + 1).tolist()
    stations = [(rows + far * unit).maximum(lower).minimum(upper) for far in lengths]
    points = torch.stack([fiber.latent_map.unflatten(station) for station in stations])
    norms = torch.stack([fiber.residual(station).norm(dim=1) for station in stations])
    gone = torch.stack([(station - rows).norm(dim=1) for station in stations])
    return StraightLine(points, norms, gone)


def _check_plan(length: float, num_steps: int) -> None:
    if not is_number(length) or not (0 < length < float("inf")) or not is_count(num_steps, least=1):
        raise FiberscopeError(
            "length, num_steps: expected a positive length and at least one step, a whole number, found "
            f"{length!r} and {num_steps!r}."
        )


def _check_directions(latent_map: LatentMap, directions: Tensor, rows: Float[Tensor, "batch n"]) -> Tensor:
    check_tensor("directions", directions)
    if directions.ndim < 2 or directions.shape[0] != rows.shape[0] or math.prod(directions.shape[1:]) != rows.shape[1]:
        raise FiberscopeError(
            f"directions: expected one a row, shape {tuple(rows.shape)} or as the images, found "
            f"{tuple(directions.shape)}. To walk several ways from one image, repeat the image."
        )
    flat = directions.reshape(rows.shape).to(rows)
    norm = flat.norm(dim=1)
    bad = (~norm.isfinite() | (norm == 0)).nonzero()[:, 0].tolist()
    if bad:
        raise FiberscopeError(f"directions: zero or not finite in rows {bad[:5]}. Give each walk somewhere to go.")
    return torch.nn.functional.normalize(flat, dim=1)


def _measure(
    latent_map: LatentMap,
    task: Task,
    tolerance: Float[Tensor, " batch"],
    hike: _Hike,
    stations: list[Float[Tensor, "batch n"]],
    lengths: list[Float[Tensor, " batch"]],
) -> Float[Tensor, "step batch"]:
    """Residuals of all stations; a walk ends, in place, before one that is off the fiber in a pass of its own."""
    norms = [measure(latent_map, stations[0], task.targets, tolerance).most]
    going = norms[0] <= tolerance
    for step in range(1, len(stations)):
        norm = measure(latent_map, stations[step], task.targets, tolerance).most
        lost = going & ~(norm <= tolerance)
        everywhere = torch.arange(len(norm), device=norm.device)
        hike.end(everywhere, Outcome.ROUNDING, lost)
        going = going & ~lost
        stays = ~going
        stations[step] = torch.where(stays[:, None], stations[step - 1], stations[step])
        lengths[step] = torch.where(stays, lengths[step - 1], lengths[step])
        norms.append(torch.where(stays, norms[step - 1], norm))
    return torch.stack(norms)


def _go_to(latent_map: LatentMap, task: Task, hike: _Hike, *, goal: float, stride: float) -> None:
    """Bring every walk that still goes to the distance ``goal``."""
    going = _ENDINGS.index(Outcome.CONVERGED)
    for _ in range(_MOST_SUBSTEPS):
        live = ((hike.gone < goal - _ARRIVED * stride) & (hike.ending == going)).nonzero()[:, 0]
        if live.numel() == 0:
            return
        _substep(latent_map, task, hike, live, goal, stride)
    hike.end(live, Outcome.OUT_OF_STEPS, torch.ones_like(live, dtype=torch.bool))


def _substep(latent_map: LatentMap, task: Task, hike: _Hike, live: Tensor, goal: float, stride: float) -> None:
    here, rows = task.take(live), hike.rows[live]
    latents, differential = differentiate(latent_map, rows)
    wanted = hike.step_size[live]
    size = wanted.minimum((goal - hike.gone[live]) / hike.made[live])
    heading, step, room, visible = predict(here, rows, latents, differential, hike.heading[live], size)
    predicted = (rows + step).maximum(here.lower).minimum(here.upper)
    back = correct(latent_map, predicted, here, num_steps=_CORRECTOR_STEPS, model=differential)
    gone = (back.rows - rows).norm(dim=1)
    aside = (back.rows - predicted).norm(dim=1)
    kept = (
        (back.residual_norm <= here.tolerance)
        & (aside <= size / 2)
        & (gone <= 2 * size)
        & (room > EMPTY_CONE)
        & ~visible
    )
    hike.rows[live] = torch.where(kept[:, None], back.rows, rows)
    hike.heading[live] = torch.where(kept[:, None], heading, hike.heading[live])
    hike.gone[live] += torch.where(kept, gone, 0.0)
    hike.made[live] = torch.where(kept, (gone / size).clamp(_LEAST_YIELD, 1.0), hike.made[live])
    longest = stride / hike.made[live]
    hike.step_size[live] = torch.where(kept, (2 * wanted).minimum(longest), size / 2)
    hike.end(live, Outcome.OUT_OF_STEPS, hike.step_size[live] < _LEAST_STRIDE * stride)
    hike.end(live, Outcome.BOX_CORNER, room <= EMPTY_CONE)
    hike.end(live, Outcome.VISIBLE, visible)
