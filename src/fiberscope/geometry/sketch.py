"""The Gram matrix of a Jacobian from a random sketch of its rows: m pullbacks, and no Jacobian in memory."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.geometry.matrix_free import MatrixFree

_BUCKETS = 4  # a latent: 16 m² bytes in float32, for singular values within about a half of their own size


def sketch_root(differential: MatrixFree, *, ridge: Float[Tensor, " batch"]) -> Float[Tensor, "batch m m"]:
    """Cholesky factor of ``S Sᵀ`` plus ``ridge`` times its mean diagonal, S being J with its columns hashed together.

    Each coordinate goes, with a random sign, into one of 4 m buckets: every singular value is kept up to a factor near
    one, the weak ones as the strong, so that in latents weighed by it conjugate gradients need some ten iterations
    whatever the spectrum of J. A latent that nothing moves here (a dead one) weighs as much as the usual one. Costs m
    pullbacks and 16 m² bytes a row in float32.

    References:
        Clarkson and Woodruff (2013), Low rank approximation and regression in input sparsity time.
        Avron, Maymounkov and Toledo (2010), Blendenpik: supercharging LAPACK's least-squares solver.
    """
    rows, m = differential.rows, differential.latent_map.latent_size
    generator = torch.Generator().manual_seed(0)
    n = rows.shape[1]
    bucket = torch.randint(_BUCKETS * m, (n,), generator=generator).to(rows.device)
    sign = (2 * torch.randint(2, (n,), generator=generator) - 1).to(rows)
    sketch = rows.new_zeros(len(rows), m, _BUCKETS * m)
    unit = torch.eye(m, dtype=rows.dtype, device=rows.device)
    for latent in range(m):
        pulled = differential.pull(unit[latent].expand(len(rows), m))
        sketch[:, latent].index_add_(1, bucket, pulled * sign)
    gram = sketch @ sketch.mT
    squares = gram.diagonal(dim1=1, dim2=2)
    usual = squares.mean(dim=1) + torch.finfo(gram.dtype).tiny ** 0.5
    # What no pixel moves would outweigh everything else, and rounding in its part hide what the others gain.
    squares.add_(torch.where(squares == 0, usual[:, None], (ridge * usual)[:, None]))
    root, failed = torch.linalg.cholesky_ex(gram)
    # Where rounding made it indefinite, latents are weighed one by one.
    alone = torch.diag_embed(gram.diagonal(dim1=1, dim2=2).sqrt())
    return torch.where(failed[:, None, None] > 0, alone, root)
