"""What is explored: a latent map, a target and a box define a fiber, and a radius a tube around it."""

from fiberscope.problem.box import Box
from fiberscope.problem.errors import FiberscopeError, MissingPackageError, ModelError
from fiberscope.problem.fiber import Fiber
from fiberscope.problem.latent_map import LatentMap
from fiberscope.problem.tube import Tube

__all__ = ["Box", "Fiber", "FiberscopeError", "LatentMap", "MissingPackageError", "ModelError", "Tube"]
