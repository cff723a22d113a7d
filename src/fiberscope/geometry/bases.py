"""Bases of the null space: directions that the network cannot see, chosen so that they mean something.

An orthonormal basis of a null space is not unique, so a picture of one vector of it shows nothing unless a criterion
chose it. Each basis here names its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.geometry.tangent import TangentSplit
from fiberscope.problem import FiberscopeError


class Basis(NamedTuple):
    """Unit directions in the null space, the most telling first, what ordered them, and the criterion in words."""

    directions: Float[Tensor, "batch k n"]
    weights: Float[Tensor, "batch k"]
    label: str


def covariance_factor(samples: Float[Tensor, "count n"]) -> Float[Tensor, "n r"]:
    """A thin factor L with ``L Lᵀ`` the covariance of the samples: their principal axes times standard deviations."""
    if samples.shape[0] < 2:
        raise FiberscopeError(f"samples: a covariance needs at least 2 images, found {samples.shape[0]}.")
    centred = (samples - samples.mean(dim=0)) / (samples.shape[0] - 1) ** 0.5
    few = samples.shape[0] < samples.shape[1]  # the smaller of the two Gram matrices has the same spectrum
    values, axes = torch.linalg.eigh((centred @ centred.T if few else centred.T @ centred).double())
    kept = values > values[-1] * max(samples.shape) * torch.finfo(samples.dtype).eps
    leading: Tensor = axes[:, kept].flip(dims=[1]).to(samples.dtype)
    factor: Tensor = centred.T @ leading if few else leading * values[kept].flip(dims=[0]).sqrt().to(samples.dtype)
    return factor


def invisible_share(split: TangentSplit, factor: Float[Tensor, "n r"]) -> Float[Tensor, " batch"]:
    """Share of the data's variance that lies in the null space: ``tr(P C P) / tr(C)``, between 0 and 1."""
    seen = split.row_basis.transpose(1, 2) @ factor
    return 1 - seen.square().sum(dim=(1, 2)) / factor.square().sum()


def data_basis(split: TangentSplit, factor: Float[Tensor, "n r"], *, count: int) -> Basis:
    """The invisible directions in which real data varies most: leading eigenvectors of ``P C P``.

    ``factor`` is the data's `covariance_factor`; the weights are variances along the directions.
    """
    _check_count(count, min(factor.shape[1], _nullity(split)))
    hidden = factor - split.row_basis @ (split.row_basis.transpose(1, 2) @ factor)
    # The small side of the Gram matrix: r x r where the factor is thin, n x n where it is square.
    values, vectors = torch.linalg.eigh(hidden.transpose(1, 2) @ hidden)
    leading = vectors[:, :, -count:].flip(dims=[2])
    directions = torch.nn.functional.normalize((hidden @ leading).transpose(1, 2), dim=2)
    return Basis(directions, values[:, -count:].flip(dims=[1]).clamp_min(0.0), "data: where real images vary most")


def toward_basis(split: TangentSplit, rows: Float[Tensor, "batch n"], others: Float[Tensor, "batch k n"]) -> Basis:
    """The invisible part ``P (y - x)`` of the way to each other image y; weights are the lengths of these parts."""
    ways = others - rows[:, None]
    hidden = torch.stack([split.project_tangent(way) for way in ways.unbind(dim=1)], dim=1)
    return Basis(torch.nn.functional.normalize(hidden, dim=2), hidden.norm(dim=2), "toward: the way to another image")


def smooth_basis(split: TangentSplit, image_shape: tuple[int, ...], *, count: int) -> Basis:
    """Invisible directions of the lowest spatial frequencies: exactly band-limited and exactly in the null space.

    Within the cosines of lowest frequency, ``J`` has a null space of its own; its members that bend least come first.
    Weights are mean squared frequencies, in half cycles per image width. The last two axes of the image are space.
    """
    modes = count + split.row_basis.shape[2]
    _check_count(count, min(math.prod(image_shape) - split.row_basis.shape[2], _nullity(split)))
    cosines, frequencies = _cosines(image_shape, modes, like=split.row_basis)
    seen = split.row_basis.transpose(1, 2) @ cosines.T
    hidden = torch.linalg.svd(seen, full_matrices=True).Vh[:, split.row_basis.shape[2] :]
    values, mix = torch.linalg.eigh((hidden * frequencies) @ hidden.transpose(1, 2))
    directions = (mix.transpose(1, 2) @ hidden) @ cosines
    return Basis(directions[:, :count], values[:, :count], "smooth: lowest spatial frequencies")


def svd_basis(split: TangentSplit, *, count: int) -> Basis:
    """Some orthonormal vectors of the null space, as a plain SVD would return them.

    For comparison only: any rotation of them within the null space would do as well, so no single one means anything.
    """
    n = split.row_basis.shape[1]
    _check_count(count, _nullity(split))
    complete = torch.linalg.qr(split.row_basis, mode="complete").Q
    directions = complete[:, :, n - count :].transpose(1, 2)
    weights = torch.zeros(directions.shape[:2], dtype=directions.dtype, device=directions.device)
    return Basis(directions, weights, "svd: arbitrary vectors of the null space, meaningless one by one")


def _nullity(split: TangentSplit) -> int:
    return split.row_basis.shape[1] - split.row_basis.shape[2]


def _check_count(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise FiberscopeError(f"count: expected between 1 and {most} directions, found {count}.")


class _Cosines(NamedTuple):
    fields: Float[Tensor, "modes n"]
    frequencies: Float[Tensor, " modes"]


def _cosines(image_shape: tuple[int, ...], count: int, *, like: Tensor) -> _Cosines:
    """The orthonormal cosine fields of lowest frequency, one channel at a time, and their squared frequencies."""
    height, width = (1, *image_shape)[-2:]
    depth = math.prod(image_shape) // (height * width)
    rows, columns = _cosines_on_line(height), _cosines_on_line(width)
    squared = (torch.arange(height)[:, None] / height) ** 2 + (torch.arange(width) / width) ** 2
    order = squared.flatten().argsort(stable=True)[: -(-count // depth)]
    planes = torch.einsum("kh,kw->khw", rows[order // width], columns[order % width]).flatten(1)
    each = torch.eye(depth, dtype=planes.dtype)
    fields = torch.einsum("kp,cd->kcdp", planes, each).reshape(-1, depth * height * width)
    frequencies = (squared.flatten()[order] * width**2).repeat_interleave(depth)
    return _Cosines(fields[:count].to(like), frequencies[:count].to(like))


def _cosines_on_line(length: int) -> Float[Tensor, "length length"]:
    k = torch.arange(length, dtype=torch.float64)[:, None]
    waves = torch.cos(math.pi * k * (torch.arange(length, dtype=torch.float64) + 0.5) / length)
    return torch.nn.functional.normalize(waves, dim=1)
