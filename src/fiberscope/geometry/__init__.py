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
from fiberscope.geometry.box_ray import BoxRay, box_ray
from fiberscope.geometry.box_step import BoxStep, box_step
from fiberscope.geometry.cone import project_cone
from fiberscope.geometry.ellipsoid import Ellipsoid, ellipsoid
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.linear_extreme import linear_extreme
from fiberscope.geometry.tangent import TangentSplit, split_tangent

__all__ = [
    "Basis",
    "BoxRay",
    "BoxStep",
    "Ellipsoid",
    "TangentSplit",
    "box_ray",
    "box_step",
    "covariance_factor",
    "data_basis",
    "ellipsoid",
    "invisible_share",
    "jacobian",
    "linear_extreme",
    "project_cone",
    "smooth_basis",
    "split_tangent",
    "svd_basis",
    "toward_basis",
]
