"""fiberscope: which images a neural network cannot tell apart.

A latent map and a target define a fiber inside a box; geometry splits input space at a point into what the network
sees and what it cannot see; moves go along the fiber.
"""

from fiberscope import data, gallery, geometry, models, moves
from fiberscope.geometry import TangentSplit, jacobian, split_tangent
from fiberscope.moves import MoveFailedError, Nearest, Outcome, Projection, Walk, nearest, project, walk
from fiberscope.problem import Box, Fiber, FiberscopeError, LatentMap, ModelError

__version__ = "0.1.0"

__all__ = [
    "Box",
    "Fiber",
    "FiberscopeError",
    "LatentMap",
    "ModelError",
    "MoveFailedError",
    "Nearest",
    "Outcome",
    "Projection",
    "TangentSplit",
    "Walk",
    "data",
    "gallery",
    "geometry",
    "jacobian",
    "models",
    "moves",
    "nearest",
    "project",
    "split_tangent",
    "walk",
]
