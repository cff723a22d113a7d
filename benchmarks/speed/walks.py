"""Walks along a fiber, and walks in the null space that nothing brings back to it.

The null-space walk is written from the paper: a step of fixed size along an eigenvector of the pulled-back metric
``J^T J``, drawn at random among those of eigenvalue zero, by explicit Euler, cut to the box. Each goes on until it has
gone the length, so that drifts are compared at equal length. The second one is what a careful user would write: the
same headings as fiberscope's, projected on the null space at each step, all walks at once.

References:
    Benfenati and Marta (2023), A singular Riemannian geometry approach to deep neural networks I and II (SiMEC).
    Benfenati and Marta (2024), part III (random walks on n-dimensional classes).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from benchmarks.speed.jacobians import bare_products
from benchmarks.speed.networks import Network, digits
from benchmarks.speed.race import relative_residual
from benchmarks.speed.sizes import Size
from benchmarks.speed.timing import Contestant, ratios, side_by_side
from torch import Tensor

import fiberscope as fs

OURS = "fiberscope"
PROJECTED = "null-space walk, headings projected"
PUBLISHED = "null-space walk, random eigenvectors"
LENGTH = 5.0


class _Walked(NamedTuple):
    points: Tensor
    gone: Tensor
    steps: int


def measure(network: Network, size: Size) -> dict[str, object]:
    images = digits()
    start = images[:1].expand(size.walkers, -1, -1, -1).contiguous()
    headings = images[1 : size.walkers + 1] - start
    fiber = fs.Fiber.through(network.latent_map, images[:1])
    step = LENGTH / size.walk_steps

    walked: dict[str, _Walked] = {}

    def ours() -> None:
        path = fs.walk(fiber, start, headings, length=LENGTH, num_steps=size.walk_steps)
        walked[OURS] = _Walked(path.points[-1], path.arc_length[-1], size.walk_steps)

    def projected() -> None:
        walked[PROJECTED] = _projected(network, start, headings, step)

    def published() -> None:
        walked[PUBLISHED] = _published(network, start[: size.null_walkers], step)

    contestants = {OURS: Contestant(ours, 1 / size.walkers), PROJECTED: Contestant(projected, 1 / size.walkers)}
    if size.null_walkers:
        contestants[PUBLISHED] = Contestant(published, 1 / size.null_walkers, most=1)
    seconds = side_by_side(contestants, repeats=size.repeats)
    return {
        "walks": size.walkers,
        "length": LENGTH,
        "seconds a walk": seconds,
        "ratios": ratios(seconds, under=OURS),
        "figures": {name: _figures(network, each, fiber.target) for name, each in walked.items()},
    }


def _figures(network: Network, walked: _Walked, target: Tensor) -> dict[str, float]:
    drift = relative_residual(network, walked.points, target)
    return {
        "drift |r| / |z|, median": float(drift.median()),
        "drift |r| / |z|, greatest": float(drift.max()),
        "length gone, mean": float(walked.gone.mean()),
        "share that went the length": float((walked.gone >= 0.97 * LENGTH).double().mean()),
        "steps": walked.steps,
    }


def _projected(network: Network, start: Tensor, headings: Tensor, step: float) -> _Walked:
    points, gone, steps = start.flatten(1), torch.zeros(len(start)), 0
    heading = torch.nn.functional.normalize(headings.flatten(1))
    while bool((gone < LENGTH).any()) and steps < 4 * LENGTH / step:
        basis = torch.linalg.qr(_jacobian(network, points).transpose(1, 2)).Q
        heading = torch.nn.functional.normalize(
            heading - (basis @ (basis.transpose(1, 2) @ heading[:, :, None]))[:, :, 0]
        )
        size = torch.minimum(torch.full_like(gone, step), LENGTH - gone).clamp_min(0)
        onward = (points + size[:, None] * heading).clamp(0, 1)
        gone, points, steps = gone + (onward - points).norm(dim=1), onward, steps + 1
    return _Walked(points, gone, steps)


def _published(network: Network, start: Tensor, step: float) -> _Walked:
    draw = torch.Generator().manual_seed(0)
    walks = [_random_eigenvectors(network, image[None].flatten(1), step, draw) for image in start]
    return _Walked(
        torch.cat([walk.points for walk in walks]),
        torch.cat([walk.gone for walk in walks]),
        max(walk.steps for walk in walks),
    )


def _random_eigenvectors(network: Network, point: Tensor, step: float, draw: torch.Generator) -> _Walked:
    gone, steps = 0.0, 0
    nullity = network.latent_map.input_size - network.latent_map.latent_size
    while gone < LENGTH and steps < 4 * LENGTH / step:
        jacobian = _jacobian(network, point)[0].double()
        vectors = torch.linalg.eigh(jacobian.T @ jacobian).eigenvectors
        chosen = vectors[:, int(torch.randint(nullity, (1,), generator=draw))].to(point)
        sign = 1 - 2 * int(torch.randint(2, (1,), generator=draw))
        onward = (point + sign * min(step, LENGTH - gone) * chosen).clamp(0, 1)
        gone, point, steps = gone + float((onward - point).norm()), onward, steps + 1
    return _Walked(point, torch.tensor([gone]), steps)


def _jacobian(network: Network, rows: Tensor) -> Tensor:
    products = bare_products(network.module, rows.reshape(-1, 1, 28, 28))
    return torch.stack([product.flatten(1) for product in products], dim=1)
