"""Asking for thumbnails as the page does."""

from __future__ import annotations

from fiberscope.explorer.memory import Memory
from fiberscope.explorer.requests import answers, read_request


def browse(scene, **fields):
    request = read_request({"type": "browse", "id": 1, "sort": "index", "offset": 0, "count": 120, **fields})
    (answer,) = answers(scene, Memory(), request)
    return answer
