"""The explorer: see and steer a fiber live. Every picture is a function of a small state, so a link is the state."""

from fiberscope.explorer.picture import Picture, picture
from fiberscope.explorer.read_state import read_state
from fiberscope.explorer.scene import Scene, open_scene
from fiberscope.explorer.state import Drag, ImageRef, Morph, Paint, Release, State, as_json

__all__ = [
    "Drag",
    "ImageRef",
    "Morph",
    "Paint",
    "Picture",
    "Release",
    "Scene",
    "State",
    "as_json",
    "open_scene",
    "picture",
    "read_state",
]
