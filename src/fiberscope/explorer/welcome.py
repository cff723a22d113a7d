"""What the page has to know of a scene before it asks anything."""

from __future__ import annotations

from fiberscope.explorer.directions import bases_of
from fiberscope.explorer.export import MOST_STATES
from fiberscope.explorer.requests import message_bytes
from fiberscope.explorer.scene import RTOL, Scene
from fiberscope.explorer.state import MOST_MOVES, most_amount
from fiberscope.explorer.wire import Answer

_PROTOCOL = 1


def welcome(scene: Scene) -> Answer:
    """The first message to the page."""
    classes = None if scene.num_classes is None else [str(i) for i in range(scene.num_classes)]
    fields = {
        "protocol": _PROTOCOL,
        "model": scene.model,
        "layer": scene.layer,
        "data": scene.data,
        "shape": list(scene.latent_map.input_shape),
        "latent_size": scene.latent_map.latent_size,
        "classes": classes,
        "labels": [] if scene.labels is None else sorted(set(scene.labels.tolist())),
        "count": len(scene.images),
        "columns": [{"name": column.name, "meaning": column.meaning, "unit": column.unit} for column in scene.columns],
        "judges": scene.panel is not None,
        "natural": scene.natural is not None,
        "bases": [card._asdict() for card in bases_of(scene)],
        "radius_unit": scene.scale.within if scene.scale else None,
        "rtol": RTOL,
        "limits": {
            "amount": most_amount(scene.latent_map.input_size),
            "moves": MOST_MOVES,
            "message_bytes": message_bytes(scene),
            "export_states": MOST_STATES,
        },
    }
    return Answer("welcome", fields)
