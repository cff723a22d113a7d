"""Algorithms on the fiber: project, walk, nearest."""
