"""The derivative of a latent map at rows, as matrices or by products, whichever its size asks for."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.geometry.differential import Dense, Differential
from fiberscope.geometry.jacobian import linearise
from fiberscope.geometry.matrix_free import MatrixFree
from fiberscope.problem import LatentMap

DENSE_BYTES = 128 * 2**20
"""The largest Jacobian of one image, in bytes, that is formed; a larger one is known by its products alone."""


class Method(Enum):
    """How the derivative of a latent map is had."""

    DENSE = "dense"
    MATRIX_FREE = "matrix-free"


class Differentiated(NamedTuple):
    """A latent map at rows of points: its values and its derivative."""

    latents: Float[Tensor, "batch m"]
    differential: Differential


def method_for(latent_map: LatentMap) -> Method:
    """Dense up to 128 MiB for the Jacobian of one image, by products above."""
    numbers = latent_map.latent_size * latent_map.input_size
    dtype = latent_map.dtype or torch.get_default_dtype()
    return Method.MATRIX_FREE if numbers * dtype.itemsize > DENSE_BYTES else Method.DENSE


def differentiate(latent_map: LatentMap, rows: Float[Tensor, "batch n"]) -> Differentiated:
    """Latents and derivative at flat rows, unchecked, by the method for this map."""
    if method_for(latent_map) is Method.MATRIX_FREE:
        differential = MatrixFree(latent_map, rows)
        return Differentiated(differential.latents, differential)
    latents, jacobian = linearise(latent_map, rows)
    return Differentiated(latents, Dense(jacobian))
