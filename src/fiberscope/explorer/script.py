"""A state as a Python script that makes the same image."""

from __future__ import annotations

import json

from fiberscope.explorer.scene import RTOL, Scene
from fiberscope.explorer.state import State, as_json

_SCRIPT = '''\
"""An image that {model} cannot tell from another one: the same latent at {layer}, to {rtol:g} of its size."""

import json{path}

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.explorer import open_scene, picture, read_state

STATE = {state}

scene = open_scene({arguments})
found = picture(scene, read_state(json.loads(STATE), scene))
print(f"|f(x) - z0| / |z0| = {{found.residual:.1e}}, {{found.distance:.2f}} from the start")
image, latent = found.image, found.latent  # torch tensors
'''


def script(scene: Scene, state: State) -> str:
    """The script; what opened the scene is in it, whatever a path holds is quoted."""
    text = json.dumps(as_json(state), separators=(",", ":"))
    arguments = ", ".join(scene.opened_by)
    return _SCRIPT.format(
        model=_plain(scene.model),
        layer=_plain(scene.layer),
        rtol=RTOL,
        state=repr(text),
        arguments=arguments,
        path="\nfrom pathlib import Path" if "Path(" in arguments else "",
    )


def _plain(words: str) -> str:
    """Words that can stand in a docstring: a name may hold anything."""
    return " ".join(words.split()).replace("\\", "/").replace('"', "'")
