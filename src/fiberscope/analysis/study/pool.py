"""Images on the fibers of the images under study, near and far: what judges are shown."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.study.study import Study
from fiberscope.moves import Outcome, nearest, walk
from fiberscope.problem import Fiber

GOALS = 3  # images of other classes that are headed for from each image
_STEPS = 20
_EVERY = 2


class Pool(NamedTuple):
    """Images on the fibers of the images under study, by which of these each has the latent of."""

    images: Float[Tensor, "found ..."]
    of: Int64[Tensor, " found"]
    distance: Float[Tensor, " found"]
    residual: Float[Tensor, " found"]


def draw_pool(study: Study) -> Pool:
    """Go from each image toward random images of other classes: points on the way, and the nearest there is.

    Walks are as long as the median distance between an image and where it heads for.
    """
    count = len(study.images.names)
    of = torch.arange(count).repeat_interleave(GOALS)
    starts, goals = study.inputs[of], _goals(study, of)
    fiber = Fiber.through(study.latent_map, starts)
    length = float((goals - starts).flatten(1).norm(dim=1).median())
    path = walk(fiber, starts, goals - starts, length=length, num_steps=_STEPS)
    near = nearest(fiber, goals, start=starts)
    arrived = torch.tensor([outcome is Outcome.CONVERGED for outcome in near.outcome])
    # A walk that ended early stands still: its last point counts once.
    moved = path.arc_length[_EVERY::_EVERY] > path.arc_length[:-_EVERY:_EVERY]
    images = torch.cat([path.points[_EVERY::_EVERY][moved], near.points[arrived]])
    whose = torch.cat([of.expand(moved.shape)[moved.cpu()], of[arrived]])
    with torch.no_grad():
        aims = study.latent_map(study.inputs)[whose]
        residual = (study.latent_map(images) - aims).norm(dim=1) / aims.norm(dim=1)
    distance = (images - study.inputs[whose]).flatten(1).norm(dim=1)
    order = torch.argsort(whose, stable=True)
    return Pool(images[order], whose[order], distance[order].cpu(), residual[order].cpu())


def _goals(study: Study, of: Int64[Tensor, " start"]) -> Float[Tensor, "start ..."]:
    random = study.rng()
    rows: list[int] = []
    for label in study.classes[of].tolist():
        others = (study.data.labels != label).nonzero()[:, 0]
        rows.append(int(others[torch.randint(len(others), (), generator=random)]))
    return study.data.images[rows].to(study.inputs)
