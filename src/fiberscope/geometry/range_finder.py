"""The leading singular values and directions of a Jacobian that is known by its products alone."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.geometry.matrix_free import MatrixFree
from fiberscope.geometry.tangent import TangentSplit
from fiberscope.problem import FiberscopeError, LatentMap
from fiberscope.problem.modes import undisturbed

_OVERSAMPLING = 10  # directions beyond those asked for
_POWERS = 2  # times that the sample goes through J and back: the gap between singular values counts to the fifth power


@undisturbed
def range_finder(latent_map: LatentMap, images: Float[Tensor, "batch ..."], *, count: int) -> TangentSplit:
    """The ``count`` largest singular values of the Jacobian at each image, and the directions that they belong to.

    Randomised subspace iteration on the latents' side: ``3 count + 30`` pullbacks and ``2 count + 20`` pushforwards,
    and as many images in memory as directions. Exact where ``count + 10`` reaches m. The row space of the result is the
    leading part only: its `project_tangent` leaves in what the network sees by weaker directions, so that a vector from
    there is invisible up to ``sigma_(count + 1)`` times its length, and is not tangent to the fiber.

    References:
        Halko, Martinsson and Tropp (2011), Finding structure with randomness, algorithms 4.4 and 5.1.
    """
    m = latent_map.latent_size
    if count < 1:
        raise FiberscopeError(f"count: expected at least one direction, found {count}.")
    differential = MatrixFree(latent_map, latent_map.flatten(latent_map.check_images(images)))
    basis = _sample(differential, min(m, count + _OVERSAMPLING))
    pulled = _pull(differential, basis)
    bad = (~pulled.isfinite().flatten(1).all(dim=1)).nonzero()[:, 0].tolist()
    if bad:
        raise FiberscopeError(
            f"images: the Jacobian has NaN or infinity in rows {bad[:5]}. Take the finite rows alone."
        )
    right, values, _ = torch.linalg.svd(pulled, full_matrices=False)
    count = min(count, m, latent_map.input_size)
    right, values = right[:, :, :count], values[:, :count]
    counted = values > max(m, latent_map.input_size) * torch.finfo(values.dtype).eps * values[:, :1]
    return TangentSplit(right * counted[:, None], values, counted.sum(dim=1))


def _sample(differential: MatrixFree, size: int) -> Float[Tensor, "batch m size"]:
    """An orthonormal basis that holds most of the range of J; all of R^m if it is as large as that."""
    rows, m = differential.rows, differential.latent_map.latent_size
    if size == m:
        return torch.eye(m, dtype=rows.dtype, device=rows.device).expand(len(rows), m, m)
    draw = torch.randn(m, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(rows)
    basis: Tensor = torch.linalg.qr(draw).Q.expand(len(rows), m, size)
    for _ in range(_POWERS):
        seen = torch.linalg.qr(_pull(differential, basis)).Q
        pushed = [differential.push(direction.contiguous()) for direction in seen.unbind(dim=2)]
        basis = torch.linalg.qr(torch.stack(pushed, dim=2)).Q
    return basis


def _pull(differential: MatrixFree, basis: Float[Tensor, "batch m size"]) -> Float[Tensor, "batch n size"]:
    return torch.stack([differential.pull(covector.contiguous()) for covector in basis.unbind(dim=2)], dim=2)
