"""fiberscope: which images a neural network cannot tell apart.

A latent map and a target define a fiber inside a box; geometry splits input space at a point into what the network
sees and what it cannot see; moves go along the fiber. Names load when they are first used (PEP 562), so that
``fiberscope --help`` need not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fiberscope import data, gallery, geometry, judges, models, moves, problem, variations
    from fiberscope.geometry import TangentSplit, jacobian, split_tangent
    from fiberscope.moves import (
        Boundary,
        Extremes,
        Farthest,
        MoveFailedError,
        Nearest,
        Outcome,
        Projection,
        Segment,
        Spread,
        Walk,
        Widths,
        boundary,
        extremes,
        farthest,
        follow,
        nearest,
        project,
        segment,
        spread,
        walk,
        widths,
    )
    from fiberscope.problem import Box, Fiber, FiberscopeError, LatentMap, MissingPackageError, ModelError, Tube

__version__ = "0.1.0"

__all__ = [
    "Boundary",
    "Box",
    "Extremes",
    "Farthest",
    "Fiber",
    "FiberscopeError",
    "LatentMap",
    "MissingPackageError",
    "ModelError",
    "MoveFailedError",
    "Nearest",
    "Outcome",
    "Projection",
    "Segment",
    "Spread",
    "TangentSplit",
    "Tube",
    "Walk",
    "Widths",
    "boundary",
    "data",
    "extremes",
    "farthest",
    "follow",
    "gallery",
    "geometry",
    "jacobian",
    "judges",
    "models",
    "moves",
    "nearest",
    "problem",
    "project",
    "segment",
    "split_tangent",
    "spread",
    "variations",
    "walk",
    "widths",
]

_SUBPACKAGES = ("problem", "geometry", "moves", "variations", "judges", "models", "data", "gallery")


def __getattr__(name: str) -> object:
    """A public name, imported from the subpackage that defines it."""
    if name in _SUBPACKAGES:
        return import_module(f"fiberscope.{name}")
    if name in __all__:
        for home in ("problem", "geometry", "moves"):
            module = import_module(f"fiberscope.{home}")
            if name in module.__all__:
                value: object = getattr(module, name)
                return value
    raise AttributeError(f"module 'fiberscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*__all__, "__version__"])
