"""Fibers known in closed form: the truth that the algorithms are held to, in float64."""

from __future__ import annotations

import torch
from torch import Tensor

import fiberscope as fs

EVERYWHERE = fs.Box(float("-inf"), float("inf"))
TORUS_RADII = (2.0, 0.7)


def linear_map(m: int, n: int, *, seed: int = 0) -> tuple[fs.LatentMap, Tensor]:
    """z = A x; the fiber is an affine subspace."""
    matrix = torch.randn(m, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return fs.LatentMap(lambda x: x @ matrix.T, (n,), dtype=torch.float64), matrix


def sphere(n: int = 5) -> fs.LatentMap:
    """z = |x|²; the fiber through x is the sphere of radius |x|, of dimension n - 1."""
    return fs.LatentMap(lambda x: x.square().sum(1, keepdim=True), (n,), dtype=torch.float64)


def ellipse(axes: tuple[float, float] = (3.0, 1.0)) -> fs.LatentMap:
    """z = (x/a)² + (y/b)²; the fiber of 1 is the ellipse with semi-axes a and b."""
    scale = torch.tensor(axes, dtype=torch.float64)
    return fs.LatentMap(lambda x: (x / scale).square().sum(1, keepdim=True), (2,), dtype=torch.float64)


def torus() -> fs.LatentMap:
    """z = squared distance to a circle of radius R; the fiber of r² is a torus of dimension 2."""
    large, _ = TORUS_RADII

    def squared_distance(x: Tensor) -> Tensor:
        return ((x[:, :2].norm(dim=1, keepdim=True) - large).square() + x[:, 2:].square())[:, :1]

    return fs.LatentMap(squared_distance, (3,), dtype=torch.float64)


def wavy_map(m: int, n: int, *, seed: int = 0) -> fs.LatentMap:
    """A smooth map without symmetry, for theorems that hold for every map."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(n, 2 * n, dtype=torch.float64, generator=generator) / n**0.5
    second = torch.randn(2 * n, m, dtype=torch.float64, generator=generator) / n**0.5
    return fs.LatentMap(lambda x: torch.tanh(x @ first) @ second, (n,), dtype=torch.float64)


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
