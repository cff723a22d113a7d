"""Algorithms on the fiber, one idea a file: project onto it, walk along it, find its nearest and farthest images."""

from fiberscope.moves.boundary import Boundary, End, boundary
from fiberscope.moves.extreme import Extremes, extremes
from fiberscope.moves.farthest import Farthest, farthest
from fiberscope.moves.follow import follow
from fiberscope.moves.nearest import Nearest, nearest
from fiberscope.moves.outcome import MoveFailedError, Outcome
from fiberscope.moves.project import Projection, project
from fiberscope.moves.segment import Segment, segment
from fiberscope.moves.spread import Spread, spread
from fiberscope.moves.walk import StraightLine, Walk, walk, walk_straight
from fiberscope.moves.widths import Widths, widths

__all__ = [
    "Boundary",
    "End",
    "Extremes",
    "Farthest",
    "MoveFailedError",
    "Nearest",
    "Outcome",
    "Projection",
    "Segment",
    "Spread",
    "StraightLine",
    "Walk",
    "Widths",
    "boundary",
    "extremes",
    "farthest",
    "follow",
    "nearest",
    "project",
    "segment",
    "spread",
    "walk",
    "walk_straight",
    "widths",
]
