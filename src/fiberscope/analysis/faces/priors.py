"""Priors that make images of one embedding read as faces: smooth waves, or the components of the faces at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.analysis.faces.total_variation import beside_total_variation
from fiberscope.data import LabelledImages
from fiberscope.models import compose
from fiberscope.models.linear_generators import PrincipalGenerator, WaveGenerator
from fiberscope.moves import Outcome, nearest, project
from fiberscope.problem import Box, Fiber, LatentMap
from fiberscope.variations import Variation

_EVERYWHERE = Box(float("-inf"), float("inf"))
_STEPS = 25  # a row that is not there by then would take a hundred Jacobians more
_DESCENT = 6  # of one face under another light 4 steps left 11 % of the way there, 8 steps 8 %, 12 steps 6 %
_KEPT = 0.95  # of as many components as samples; with 0.19, 15 steps left 67 % of the way of one pair instead of 24 %
_EDGES = 0.5  # of total variation beside the square of the distance
SEARCH = {"steps": _STEPS, "descent": _DESCENT, "kept": _KEPT, "edges": _EDGES}
"""What decides where a search ends, beside what a study chooses."""
_AUGMENTED = (("light azimuth", 40.0), ("light azimuth", -40.0), ("light elevation", 40.0))


class Prior(NamedTuple):
    """Coordinates that images are moved in: nearest there is what the prior calls nearest.

    With ``edges``, for coordinates that are pixels, nearest weighs the total variation of the change so much.
    A ``descent`` is a number of steps: then the search begins at an image that has the embedding, and goes along its
    fiber toward the image that is to have it; without one it begins at that image, and goes to the fiber.
    """

    name: str
    words: str
    latent_map: LatentMap
    box: Box
    decode: Callable[[Float[Tensor, "batch k"]], Float[Tensor, "batch c h w"]]
    encode: Callable[[Float[Tensor, "batch c h w"]], Float[Tensor, "batch k"]]
    edges: float = 0.0
    descent: int = 0


class Found(NamedTuple):
    """An image on the fiber of a target: ``residual`` is ``|f(x) - z| / |z|`` by a fresh forward pass of the image."""

    image: Float[Tensor, "c h w"]
    residual: float
    reached: bool


def no_prior(latent_map: LatentMap) -> Prior:
    """Pixels in the box: nothing makes changes smooth or face-like."""
    return Prior("none", "any pixels", latent_map, Box(), lambda rows: rows, lambda images: images)


def flat_prior(latent_map: LatentMap) -> Prior:
    """Pixels in the box, and changes with few edges: descent weighs their total variation, projection does not."""
    return Prior(
        "flat", "changes of few edges", latent_map, Box(), lambda rows: rows, lambda images: images, edges=_EDGES
    )


def smooth_prior(latent_map: LatentMap) -> Prior:
    """Waves: smooth changes are short, noise is long."""
    shape = latent_map.input_shape
    return _behind("smooth", "smooth changes", WaveGenerator((shape[0], shape[1], shape[2])), latent_map)


def face_prior(latent_map: LatentMap, faces: LabelledImages, variations: tuple[Variation, ...]) -> Prior:
    """Principal components of the faces, mirrored, and under other lights: changes as faces differ.

    Each is measured in units of its spread, so what differs between faces rarely is far. From an image to a fiber the
    search is lost there (steps that are short in these units are changes of light beyond black and white); along the
    fiber it is not.
    """
    images = faces.images
    named = {variation.name: variation for variation in variations}
    varied = [images, images.flip(3)]
    for name, amount in _AUGMENTED:
        if name in named:
            varied += list(named[name].orbit(images, torch.tensor([amount])).images)
    samples = torch.cat(varied)
    generator = PrincipalGenerator(samples, count=round(_KEPT * len(samples)))
    return _behind("faces", "changes as faces differ", generator, latent_map)._replace(descent=_DESCENT)


def bring(
    prior: Prior,
    image: Float[Tensor, "c h w"],
    aim: Float[Tensor, "c h w"],
    target: Float[Tensor, " m"],
    latent_map: LatentMap,
    *,
    num_steps: int,
) -> Found:
    """The image nearest to that one in the prior's coordinates, as found, on the fiber of the aim.

    ``target`` is the aim's embedding. The larger of ``num_steps`` and the prior's own ``descent`` is taken. A search
    that begins on the fiber has only reached something when it ends nearer to the image than it began, in the prior's
    coordinates: in pixels, which are clamped afterwards, it need not be nearer.
    """
    wish, num_steps = prior.encode(image[None]), max(num_steps, prior.descent)
    fiber = Fiber(prior.latent_map, target, prior.box)
    start = prior.encode(aim[None]) if prior.descent else wish
    found = project(fiber, start, num_steps=_STEPS, num_restarts=0)
    points, arrived, gained = found.points, found.outcome[0] is Outcome.CONVERGED, False
    if num_steps and arrived:
        measure = beside_total_variation(wish, weight=prior.edges) if prior.edges else None
        nearer = nearest(fiber, wish, start=points, measure=measure, num_steps=num_steps)
        seen = measure or (lambda points: points)
        began = start if prior.descent else points  # a projection may have gone astray before descent began
        closer = bool(nearer.distance < (seen(began) - seen(wish)).norm())
        gained = closer and nearer.outcome[0] is Outcome.CONVERGED
        if gained:
            points = nearer.points
    with torch.no_grad():
        made = prior.decode(points)
        residual = (latent_map(made)[0] - target).norm() / target.norm()
    return Found(made[0], float(residual), arrived and (gained or not prior.descent))


def _behind(name: str, words: str, generator: WaveGenerator | PrincipalGenerator, latent_map: LatentMap) -> Prior:
    whole = LatentMap(
        compose(generator, _AsModule(latent_map)),
        (generator.latent_size,),
        dtype=latent_map.dtype,
        device=latent_map.device,
    )
    return Prior(name, words, whole, _EVERYWHERE, generator, generator.encode)


class _AsModule(nn.Module):
    """A latent map where a module is wanted."""

    def __init__(self, latent_map: LatentMap):
        super().__init__()
        self.latent_map = latent_map

    def forward(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch m"]:
        return self.latent_map(images)
