"""Algorithms on the fiber, one idea a file: project onto it, walk along it, find its nearest and farthest images."""

from fiberscope.moves.farthest import Farthest, farthest
from fiberscope.moves.nearest import Nearest, nearest
from fiberscope.moves.outcome import MoveFailedError, Outcome
from fiberscope.moves.project import Projection, project
from fiberscope.moves.spread import Spread, spread
from fiberscope.moves.walk import StraightLine, Walk, walk, walk_straight

__all__ = [
    "Farthest",
    "MoveFailedError",
    "Nearest",
    "Outcome",
    "Projection",
    "Spread",
    "StraightLine",
    "Walk",
    "farthest",
    "nearest",
    "project",
    "spread",
    "walk",
    "walk_straight",
]
