"""Searches of a study, side by side: each that has ended is kept and told of, and none goes on after Ctrl-C."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.analysis.faces.priors import Prior, bring
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.faces.threads import side_by_side


class Brought(NamedTuple):
    """Images brought onto the fibers of their aims; ``residual`` is ``|f(x) - z| / |z|`` of the finished images."""

    images: Float[Tensor, "image c h w"]
    residual: Float[Tensor, " image"]
    reached: Bool[Tensor, " image"]


def bring_each(
    study: FaceStudy,
    prior: Prior,
    images: Float[Tensor, "image c h w"],
    aims: Float[Tensor, "image c h w"],
    *,
    question: str,
    num_steps: int = 0,
) -> Brought:
    """Bring each image to the embedding of its aim; those that an interrupted run brought there are taken from it."""
    goals = study.embed(aims)

    def search(place: int) -> dict[str, Tensor]:
        def find() -> dict[str, Tensor]:
            found = bring(prior, images[place], aims[place], goals[place], study.latent_map, num_steps=num_steps)
            return {
                "images": found.image,
                "residual": torch.tensor(found.residual),
                "reached": torch.tensor(found.reached),
            }

        return study.workbench.once(f"{question}-{prior.name}-{place}", find)

    def tell(done: int) -> None:
        study.tell(f"{prior.words}, {done} of {len(images)}")

    found = side_by_side(search, range(len(images)), through=study.latent_map, tell=tell)
    return Brought(*(torch.stack([each[name] for each in found]) for name in Brought._fields))
