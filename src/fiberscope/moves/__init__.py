"""Algorithms on the fiber, one idea a file: project onto it, walk along it, find its nearest image."""

from fiberscope.moves.nearest import Nearest, nearest
from fiberscope.moves.outcome import MoveFailedError, Outcome
from fiberscope.moves.project import Projection, project
from fiberscope.moves.walk import StraightLine, Walk, walk, walk_straight

__all__ = [
    "MoveFailedError",
    "Nearest",
    "Outcome",
    "Projection",
    "StraightLine",
    "Walk",
    "nearest",
    "project",
    "walk",
    "walk_straight",
]
