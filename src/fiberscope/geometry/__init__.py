"""Linear algebra at a point: what the network sees and what it cannot see."""

from fiberscope.geometry.bases import (
    Basis,
    covariance_factor,
    data_basis,
    invisible_share,
    smooth_basis,
    svd_basis,
    toward_basis,
)
from fiberscope.geometry.box_step import BoxStep, box_step
from fiberscope.geometry.cone import project_cone
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.tangent import TangentSplit, split_tangent

__all__ = [
    "Basis",
    "BoxStep",
    "TangentSplit",
    "box_step",
    "covariance_factor",
    "data_basis",
    "invisible_share",
    "jacobian",
    "project_cone",
    "smooth_basis",
    "split_tangent",
    "svd_basis",
    "toward_basis",
]
