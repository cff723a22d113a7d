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
from fiberscope.geometry.differentiate import Method, differentiate, method_for
from fiberscope.geometry.ellipsoid import Ellipsoid, ellipsoid
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.linear_extreme import linear_extreme
from fiberscope.geometry.matrix_free import MatrixFree
from fiberscope.geometry.range_finder import range_finder
from fiberscope.geometry.tangent import TangentSplit, split_tangent

__all__ = [
    "Basis",
    "BoxRay",
    "BoxStep",
    "Ellipsoid",
    "MatrixFree",
    "Method",
    "TangentSplit",
    "box_ray",
    "box_step",
    "covariance_factor",
    "data_basis",
    "differentiate",
    "ellipsoid",
    "invisible_share",
    "jacobian",
    "linear_extreme",
    "method_for",
    "project_cone",
    "range_finder",
    "smooth_basis",
    "split_tangent",
    "svd_basis",
    "toward_basis",
]
