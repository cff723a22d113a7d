"""Populations that share one latent, pushed apart: with a generator's prior, and without any."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.models import Generator, compose
from fiberscope.models.prior_ball import PriorBall
from fiberscope.moves import Outcome, Spread, spread
from fiberscope.problem import Box, Fiber, FiberscopeError, LatentMap

_EVERYWHERE = Box(float("-inf"), float("inf"))


class Coordinates(NamedTuple):
    """A generator's decoder over coordinates that stay inside its prior, and the latent map of what it makes."""

    decode: nn.Module
    latent_map: LatentMap
    ball: PriorBall


class Population(NamedTuple):
    """Images of one latent a row.

    ``residual`` is ``|f(x) - z| / |z|`` of the images themselves, by a fresh forward pass of the latent map;
    ``distance`` is Euclidean between pixels, ``from_target`` that from the image whose latent it is.
    """

    images: Float[Tensor, "row member ..."]
    residual: Float[Tensor, "row member"]
    distance: Float[Tensor, "row member member"]
    from_target: Float[Tensor, "row member"]
    outcome: tuple[tuple[Outcome, ...], ...]

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

    They start from random samples of the prior, and stay in the ball that holds a share ``mass`` of it. Raises
    FiberscopeError for fewer than two members.
    """
    if members < 2:
        raise FiberscopeError(f"members: expected at least two images a row, found {members}.")
    there = coordinates(generator, latent_map, mass=mass)
    shape = (len(targets), members, generator.latent_size)
    drawn = torch.randn(shape, generator=random, dtype=torch.float64).to(targets)
    starts = there.ball.inverse(drawn.flatten(0, 1)).view(shape)
    with torch.no_grad():
        fiber = Fiber(there.latent_map, latent_map(targets), _EVERYWHERE)
        found = spread(fiber, starts, measure=there.decode, num_steps=num_steps)
        images = there.decode(found.points.flatten(0, 1)).view(len(targets), members, *targets.shape[1:])
    return _weigh(latent_map, targets, images, found)


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
    return _weigh(latent_map, targets, found.points, found)


def _weigh(
    latent_map: LatentMap, targets: Float[Tensor, "row ..."], images: Float[Tensor, "row member ..."], found: Spread
) -> Population:
    with torch.no_grad():
        aims = latent_map(targets)[:, None]
        latents = latent_map(images.flatten(0, 1)).view(*images.shape[:2], -1)
    residual = (latents - aims).norm(dim=2) / aims.norm(dim=2)
    from_target = (images - targets[:, None]).flatten(2).norm(dim=2)
    return Population(images, residual, found.distance, from_target, found.outcome)
