"""The straight line between two images: how far it leaves their fiber."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.moves.arguments import is_count
from fiberscope.moves.setup import set_up
from fiberscope.moves.verdict import measure
from fiberscope.problem import Fiber, FiberscopeError, Tube
from fiberscope.problem.modes import undisturbed

_ZOOMS = 3
_CHUNK = 4096  # images in one forward pass


class Segment(NamedTuple):
    """``|f(x_t) - target|`` on the segment from each first image (t = 0) to its second (t = 1).

    ``excursion`` is the largest of all t, ``place`` the t where it is, there also by passes over single images;
    ``residual_norm`` are samples at equal steps.
    The segment lies in the tube of radius r if ``excursion <= r``. The box is convex and cannot be left.
    """

    residual_norm: Float[Tensor, "sample batch"]
    excursion: Float[Tensor, " batch"]
    place: Float[Tensor, " batch"]


@undisturbed
def segment(
    fiber: Fiber | Tube,
    first: Float[Tensor, "batch ..."],
    second: Float[Tensor, "batch ..."],
    *,
    num_samples: int = 65,
) -> Segment:
    """Follow the straight segments with ``num_samples`` samples, and find the peak of each more closely.

    A set is star-shaped about an image if every segment from it to an image of the set stays in the set.

    References:
        Balasubramanian et al. (2023), Exploring geometry of blind spots in vision models (there the set is that of
        confident images of a class).
    """
    start = set_up(fiber, first, frozen=None, rtol=None, atol=0.0).rows
    stop = set_up(fiber, second, frozen=None, rtol=None, atol=0.0).rows
    if stop.shape != start.shape or not is_count(num_samples, least=2):
        raise FiberscopeError(
            f"second, num_samples: expected {len(start)} images as in first, and at least two samples, found "
            f"{len(stop)} and {num_samples!r}."
        )
    targets = fiber.targets(len(start))

    def norms(places: Float[Tensor, "sample batch"]) -> Float[Tensor, "sample batch"]:
        points = torch.lerp(start, stop, places[:, :, None]).flatten(0, 1)
        with torch.no_grad():
            latents = torch.cat([fiber.latent_map(part) for part in torch.split(points, _CHUNK)])
        norm: Tensor = (latents.view(*places.shape, targets.shape[1]) - targets).norm(dim=2)
        return norm

    grid = torch.linspace(0, 1, num_samples, dtype=start.dtype, device=start.device)
    coarse = norms(grid[:, None].expand(-1, len(start)))
    excursion, peak = coarse.max(dim=0)
    place, reach = grid[peak], 1 / (num_samples - 1)
    for _ in range(_ZOOMS):
        around = torch.linspace(-1, 1, 9, dtype=start.dtype, device=start.device)[:, None] * reach
        places = (place + around).clamp(0, 1)
        excursion, peak = norms(places).max(dim=0)
        place, reach = places.gather(0, peak[None])[0], reach / 4
    alone = measure(fiber.latent_map, torch.lerp(start, stop, place[:, None]), targets, excursion)
    return Segment(coarse, excursion.maximum(alone.most), place)
