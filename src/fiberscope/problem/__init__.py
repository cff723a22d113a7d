"""What is explored: a latent map, a target and a box define a fiber."""

from fiberscope.problem.box import Box
from fiberscope.problem.errors import FiberscopeError, ModelError
from fiberscope.problem.fiber import Fiber
from fiberscope.problem.latent_map import LatentMap

__all__ = ["Box", "Fiber", "FiberscopeError", "LatentMap", "ModelError"]
