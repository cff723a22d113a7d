"""For each image, the nearest image that has exactly the latent of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.nearer import nearest_of_two
from fiberscope.analysis.study.parts import parts
from fiberscope.analysis.study.reading import Logits, Reading, read, relative_distance
from fiberscope.moves import Nearest, Outcome
from fiberscope.problem import Fiber, LatentMap


class Metamers(NamedTuple):
    """An image for each source that looks like it and has the latent of its target; all is on the CPU.

    ``residual`` is relative to the target, by a forward pass of the network on the finished images.
    ``blindness`` is the distance gone over the distance between the two images: 0 would be a network that is blind to
    their difference, 1 one that is only satisfied by the other image itself.
    """

    sources: Float[Tensor, "pair ..."]
    targets: Float[Tensor, "pair ..."]
    points: Float[Tensor, "pair ..."]
    reading: Reading
    residual: Float[Tensor, " pair"]
    distance: Float[Tensor, " pair"]
    blindness: Float[Tensor, " pair"]
    stationarity: Float[Tensor, " pair"]
    outcome: tuple[Outcome, ...]

    @property
    def there(self) -> Bool[Tensor, " pair"]:
        """Whether each search ended on the fiber."""
        return torch.tensor([outcome is Outcome.CONVERGED for outcome in self.outcome])


def find_metamers(
    latent_map: LatentMap,
    logits: Logits | None,
    sources: Float[Tensor, "pair ..."],
    targets: Float[Tensor, "pair ..."],
) -> Metamers:
    """Go from each source to the nearest image on the fiber of its target."""
    found = [
        nearest_of_two(Fiber.through(latent_map, targets[part]), sources[part], targets[part])
        for part in parts(len(sources))
    ]
    points, stationarity = (_join(found, name) for name in ("points", "stationarity"))
    reading, aims = (read(latent_map, logits, images) for images in (points, targets))
    sources, targets = sources.cpu(), targets.cpu()
    apart, gone = ((images - sources).flatten(1).norm(dim=1) for images in (targets, points))
    return Metamers(
        sources=sources,
        targets=targets,
        points=points,
        reading=reading,
        residual=relative_distance(reading.latents, aims.latents),
        distance=gone,
        blindness=gone / apart,
        stationarity=stationarity,
        outcome=tuple(outcome for each in found for outcome in each.outcome),
    )


def _join(found: Sequence[Nearest], name: str) -> Tensor:
    return torch.cat([getattr(each, name) for each in found]).cpu()
