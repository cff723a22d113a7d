"""Populations that share one latent, pushed apart: with a generator's prior, and without any."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fiberscope.models import Generator, compose
from fiberscope.models.prior_ball import PriorBall
from fiberscope.moves import Outcome, farthest, project, spread, walk
from fiberscope.problem import Box, Fiber, FiberscopeError, LatentMap

_EVERYWHERE = Box(float("-inf"), float("inf"))
_SAMPLES = 1000  # of the prior, from which each row takes its starts
_NEAR = 60  # of them, those whose latents are nearest to a row's
_CHOICE = 3  # so many candidates for each start
_ASIDE = 0.3  # in standard deviations of the prior
_BEYOND = 1.5  # times the way to a goal that a walk goes: along a curved fiber it is longer
_FAR_STEPS = 24
_SOON = 50  # steps to the fiber that a candidate may take


class Coordinates(NamedTuple):
    """A generator's decoder over coordinates that stay inside its prior, and the latent map of what it makes."""

    decode: nn.Module
    latent_map: LatentMap
    ball: PriorBall


class Population(NamedTuple):
    """Images of one latent a row.

    ``residual`` is ``|f(x) - z| / |z|`` of the images themselves, by a fresh forward pass of the latent map;
    ``distance`` is Euclidean between pixels, ``from_target`` that from the image whose latent it is. ``points`` are
    what was moved: coordinates of a generator, or the images themselves.
    """

    images: Float[Tensor, "row member ..."]
    residual: Float[Tensor, "row member"]
    distance: Float[Tensor, "row member member"]
    from_target: Float[Tensor, "row member"]
    points: Float[Tensor, "row member ..."]
    outcome: tuple[tuple[Outcome, ...], ...]

    @property
    def there(self) -> Bool[Tensor, "row member"]:
        """Whether the search for each ended on the fiber."""
        return torch.tensor([[each is Outcome.CONVERGED for each in row] for row in self.outcome])

    @property
    def nearest(self) -> Float[Tensor, " row"]:
        """The distance between the two members of a row that are most alike."""
        same = torch.eye(self.distance.shape[1], dtype=torch.bool, device=self.distance.device)
        return self.distance.masked_fill(same, torch.inf).amin(dim=(1, 2))


def coordinates(generator: Generator, latent_map: LatentMap, *, mass: float = 0.99) -> Coordinates:
    """Put a generator before a latent map; raises ModelError when its images do not fit."""
    ball = PriorBall(generator.latent_size, mass=mass)
    fitted = compose(generator, _AsModule(latent_map))
    decode = nn.Sequential(ball, fitted.decoder)
    whole = nn.Sequential(ball, fitted)
    inner = LatentMap(whole, (generator.latent_size,), dtype=latent_map.dtype, device=latent_map.device)
    return Coordinates(decode, inner, ball)


class _AsModule(nn.Module):
    """A latent map where a module is wanted."""

    def __init__(self, latent_map: LatentMap):
        super().__init__()
        self.latent_map = latent_map

    def forward(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
        return self.latent_map(images)


def natural_population(
    generator: Generator,
    latent_map: LatentMap,
    targets: Float[Tensor, "row ..."],
    *,
    members: int,
    random: torch.Generator,
    mass: float = 0.99,
    num_steps: int = 40,
) -> Population:
    """Digits that the generator makes, all with the latent of their row's target, spread in pixels.

    They start from random samples of the prior whose latents happen to be near, and stay in the ball that holds a
    share ``mass`` of it. Raises FiberscopeError for fewer than two members.
    """
    if members < 2:
        raise FiberscopeError(f"members: expected at least two images a row, found {members}.")
    there = coordinates(generator, latent_map, mass=mass)
    with torch.no_grad():
        aims = latent_map(targets)
        starts, tried = _draw_starts(there, aims, members, random)
        # A row of which no candidate arrived is left there: a full search of one cost minutes and found none either.
        hope = torch.tensor([Outcome.CONVERGED in row for row in tried])
        points, outcome = starts.clone(), list(tried)
        if bool(hope.any()):
            fiber = Fiber(there.latent_map, aims[hope], _EVERYWHERE)
            found = spread(fiber, starts[hope], measure=there.decode, num_steps=num_steps)
            points[hope] = found.points
            for row, ended in zip(hope.nonzero()[:, 0].tolist(), found.outcome, strict=True):
                outcome[row] = ended
        images = there.decode(points.flatten(0, 1)).view(len(targets), members, *targets.shape[1:])
    return _weigh(latent_map, targets, images, points, tuple(outcome))


def _draw_starts(
    there: Coordinates, aims: Float[Tensor, "row m"], members: int, random: torch.Generator
) -> tuple[Float[Tensor, "row member k"], tuple[tuple[Outcome, ...], ...]]:
    """Samples of the prior with the nearest latents, brought onto their fiber; of these the most different.

    The outcomes are those of the first candidates of each row: all failed where none of them arrived.
    """
    drawn = torch.randn(_SAMPLES, there.ball.size, generator=random, dtype=torch.float64).to(aims)
    free = there.ball.inverse(drawn)
    images = there.decode(free).flatten(1)
    near = torch.cdist(aims, there.latent_map(free)).topk(_NEAR, largest=False).indices
    count = _CHOICE * members
    tried = torch.stack([free[row[_most_different(images[row], count)]] for row in near])
    fiber = Fiber(there.latent_map, aims.repeat_interleave(count, dim=0), _EVERYWHERE)
    # Those that do not arrive soon would cost more than all others.
    soon = project(fiber, tried.flatten(0, 1), num_steps=_SOON, num_restarts=0)
    arrived = (soon.residual_norm <= soon.tolerance).view(-1, count)
    seen = there.decode(soon.points).flatten(1).view(len(aims), count, -1)
    noise = torch.randn(tried.shape, generator=random, dtype=torch.float64).to(aims)
    rows = zip(soon.points.view_as(tried), seen, arrived, _ASIDE * noise, strict=True)
    outcomes = [sorted(soon.outcome[i * count : (i + 1) * count], key=_arrived_first) for i in range(len(aims))]
    return torch.stack([_take(*row, members) for row in rows]), tuple(tuple(row[:members]) for row in outcomes)


def _arrived_first(outcome: Outcome) -> bool:
    return outcome is not Outcome.CONVERGED


def _take(
    points: Float[Tensor, "some k"],
    seen: Float[Tensor, "some p"],
    arrived: Bool[Tensor, " some"],
    aside: Float[Tensor, "some k"],
    members: int,
) -> Float[Tensor, "member k"]:
    """The most different of those that arrived; where these are too few, points a little aside of them make up."""
    good = arrived.nonzero()[:, 0]
    if good.numel() >= members:
        return points[good[_most_different(seen[good], members)]]
    if not good.numel():
        return points[:members]
    base = points[good]
    more = base[torch.arange(members - good.numel()) % len(base)] + aside[: members - good.numel()]
    return torch.cat([points[good], more])


def _most_different(images: Float[Tensor, "some p"], count: int) -> list[int]:
    """The first, then one by one the image farthest from those chosen (Gonzalez 1985)."""
    apart = torch.cdist(images, images)
    chosen = [0]
    while len(chosen) < count:
        nearest = apart[chosen].amin(dim=0)
        nearest[chosen] = -torch.inf
        chosen.append(int(nearest.argmax()))
    return chosen


def free_population(
    latent_map: LatentMap,
    targets: Float[Tensor, "row ..."],
    *,
    members: int,
    random: torch.Generator,
    num_steps: int = 40,
) -> Population:
    """Images of any kind with the latent of their row's target, spread in pixels: what no prior shaped."""
    noise = torch.randn((len(targets), members, *targets.shape[1:]), generator=random, dtype=torch.float64)
    starts = (targets[:, None] + 0.1 * noise.to(targets)).clamp(0, 1)
    found = spread(Fiber.through(latent_map, targets), starts, num_steps=num_steps)
    return _weigh(latent_map, targets, found.points, found.points, found.outcome)


class Wander(NamedTuple):
    """Films along fibers, a step and a row each: images, residuals ``|f(x) - z| / |z|``, and the way gone in pixels."""

    images: Float[Tensor, "step row ..."]
    residual: Float[Tensor, "step row"]
    gone: Float[Tensor, "step row"]


def wander(
    there: Coordinates,
    latent_map: LatentMap,
    starts: Float[Tensor, "row k"],
    goals: Float[Tensor, "row k"],
    *,
    num_steps: int = 16,
) -> Wander:
    """Walk along the fibers of starts toward the coordinates of goals: every step is an image of the same latent."""
    length = _BEYOND * float((goals - starts).norm(dim=1).median())
    fiber = Fiber.through(there.latent_map, starts, box=_EVERYWHERE)
    path = walk(fiber, starts, goals - starts, length=length, num_steps=num_steps)
    with torch.no_grad():
        images = torch.stack([there.decode(station) for station in path.points])
        latents = torch.stack([latent_map(station) for station in images])
    residual = (latents - latents[0]).norm(dim=2) / latents[0].norm(dim=1)
    strides = images.diff(dim=0).flatten(2).norm(dim=2)
    gone = torch.cat([torch.zeros_like(strides[:1]), strides.cumsum(dim=0)])
    return Wander(images, residual, gone)


def farthest_of_prior(
    there: Coordinates, fiber_points: Float[Tensor, "row k"], opposite: Float[Tensor, "row k"]
) -> Float[Tensor, "row ..."]:
    """For each point the image of its fiber that is farthest from it in pixels, as found from the opposite point."""
    fiber = Fiber.through(there.latent_map, fiber_points, box=_EVERYWHERE)
    found = farthest(fiber, fiber_points, start=opposite, measure=there.decode, num_steps=_FAR_STEPS)
    with torch.no_grad():
        images: Tensor = there.decode(found.points)
    return images


def _weigh(
    latent_map: LatentMap,
    targets: Float[Tensor, "row ..."],
    images: Float[Tensor, "row member ..."],
    points: Float[Tensor, "row member ..."],
    outcome: tuple[tuple[Outcome, ...], ...],
) -> Population:
    with torch.no_grad():
        aims = latent_map(targets)[:, None]
        latents = latent_map(images.flatten(0, 1)).view(*images.shape[:2], -1)
    residual = (latents - aims).norm(dim=2) / aims.norm(dim=2)
    from_target = (images - targets[:, None]).flatten(2).norm(dim=2)
    flat = images.flatten(2)
    distance = torch.stack([(flat - one[:, None]).norm(dim=2) for one in flat.unbind(1)], dim=1)
    return Population(images, residual, distance, from_target, points, outcome)
