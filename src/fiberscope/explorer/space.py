"""The two spaces in which moves are made: the pixels themselves, or the coordinates of a generator of such images."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.explorer.scene import RTOL, Natural, Scene
from fiberscope.explorer.state import ImageRef, State
from fiberscope.moves import Outcome, project
from fiberscope.problem import Box, Fiber, FiberscopeError, LatentMap, Tube

_EVERYWHERE = Box(float("-inf"), float("inf"))


class Beginning(NamedTuple):
    """The latent aimed at, the point where moves start and its image (both of batch 1), and how it was found.

    In pixels the image is the chosen one; among natural images, the one that the generator makes nearest to it on its
    fiber.
    """

    target: Float[Tensor, "1 m"]
    point: Float[Tensor, "1 ..."]
    image: Float[Tensor, "1 ..."]
    outcome: Outcome


def image_of(scene: Scene, reference: ImageRef) -> Float[Tensor, "1 ..."]:
    """The image that is meant, as a batch of one."""
    if reference.pixels is None:
        place = reference.index or 0
        return scene.images[place : place + 1]
    latent_map = scene.latent_map
    grey = torch.frombuffer(bytearray(reference.pixels), dtype=torch.uint8).to(latent_map.device, latent_map.dtype)
    return (grey / 255).reshape(1, *latent_map.input_shape)


def begin(scene: Scene, state: State) -> Beginning:
    """Where the state starts."""
    image = image_of(scene, state.image)
    with torch.no_grad():
        target = scene.latent_map(image)
    if not bool(target.isfinite().all()):
        raise FiberscopeError("image: its latent is not finite. Choose another image.")
    if state.space == "pixels":
        return Beginning(target, image, image, Outcome.CONVERGED)
    natural = natural_of(scene)
    found = project(Fiber(map_of(scene, state), target, _EVERYWHERE), coordinates_of(natural, image), rtol=RTOL)
    return Beginning(target, found.points, picture_of(scene, state, found.points), found.outcome[0])


def map_of(scene: Scene, state: State) -> LatentMap:
    """The latent map of the points that the state moves."""
    return scene.latent_map if state.space == "pixels" else natural_of(scene).coordinates.latent_map


def fiber_of(scene: Scene, state: State, target: Float[Tensor, "1 m"]) -> Fiber | Tube:
    """The fiber, or with a radius the tube, in which the state's moves stay."""
    fiber = Fiber(map_of(scene, state), target, scene.box if state.space == "pixels" else _EVERYWHERE)
    return Tube(fiber, radius_of(scene, state)) if state.radius > 0 else fiber


def radius_of(scene: Scene, state: State) -> float:
    """The state's radius as a latent distance."""
    return state.radius * scene.scale.within if scene.scale else 0.0


def natural_of(scene: Scene) -> Natural:
    """The generator; raises `FiberscopeError` where there is none."""
    if scene.natural is None:
        raise FiberscopeError("space: there is no generator for these images. Stay in pixels.")
    return scene.natural


def coordinates_of(natural: Natural, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch k"]:
    """Where the generator's encoder puts images."""
    with torch.no_grad():
        coordinates: Tensor = natural.coordinates.ball.inverse(natural.encode(images))
    return coordinates


def picture_of(scene: Scene, state: State, points: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    """The images at these points."""
    if state.space == "pixels":
        return points
    with torch.no_grad():
        images: Tensor = natural_of(scene).coordinates.decode(points)
    return images.reshape(len(points), *scene.latent_map.input_shape)
