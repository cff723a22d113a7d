"""The page in a browser for tests: a server, a tab at its first image, and what a person does there."""

from __future__ import annotations

import contextlib
import json
import struct

import numpy as np
from playwright.sync_api import expect

WAIT = 30_000  # milliseconds: two cores may have much else to do


@contextlib.contextmanager
def blank_tab(browser, **options):
    """A tab of its own that has not been anywhere; complaints of its console fail here too."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 720}, "accept_downloads": True, **options})
    context.set_default_timeout(WAIT)
    tab = context.new_page()
    troubles = []
    tab.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    try:
        yield tab
    finally:
        context.close()
    assert troubles == [], troubles


def state_of(tab):
    return tab.evaluate("window.fiberscope.state()")


def settled(tab, kinds, *, on_fiber: bool = True):
    """Wait until the state has moves of these kinds and its frame is drawn."""
    tab.wait_for_function(
        """kinds => {
            const state = window.fiberscope?.state();
            return state?.moves.map(m => m.kind).join() === kinds.join()
                && JSON.stringify(state) === JSON.stringify(window.fiberscope.shown());
        }""",
        arg=kinds,
    )
    stage = tab.get_by_test_id("stage")
    expect(stage).to_have_attribute("data-on-fiber", str(on_fiber).lower(), timeout=WAIT)
    expect(tab.get_by_test_id("card").first.get_by_role("slider")).to_be_enabled(timeout=WAIT)


def residual(tab) -> float:
    return float(tab.get_by_test_id("residual").get_attribute("data-value"))


def pull(tab, share, *, place: int = 0):
    """Drag a slider with the mouse from its middle to a share of its half, and let it go."""
    slider = tab.get_by_test_id("card").nth(place).get_by_role("slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle, across = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(middle, across)
    tab.mouse.down()
    tab.mouse.move(middle + share * box["width"] / 2, across, steps=12)
    tab.mouse.up()


def stroke(tab, *, height: float = 0.9):
    """Paint a line across the image."""
    box = tab.get_by_test_id("image").bounding_box()
    across = box["y"] + height * box["height"]
    tab.mouse.move(box["x"] + 0.3 * box["width"], across)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.6 * box["width"], across, steps=8)
    tab.mouse.up()


def open_link(tab, state):
    tab.evaluate(
        "s => import('/page/link.js').then(l => l.encodeState(s)).then(t => { location.hash = 's=' + t; })", state
    )


def shown(tab) -> np.ndarray:
    """The image of the state as the server has it, asked for on a connection of its own."""
    message = tab.evaluate(
        """state => new Promise(resolve => {
            const socket = new WebSocket(location.origin.replace('http', 'ws') + '/session');
            socket.binaryType = 'arraybuffer';
            socket.onopen = () => socket.send(JSON.stringify({type: 'show', id: 7, state}));
            socket.onmessage = ({data}) => {
                const length = new DataView(data).getUint32(0, true);
                const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
                if (header.type === 'frame') { resolve([...new Uint8Array(data)]); socket.close(); }
            };
        })""",
        state_of(tab),
    )
    blob = bytes(message)
    (length,) = struct.unpack_from("<I", blob)
    place = json.loads(blob[4 : 4 + length])["arrays"]["image"]
    count = int(np.prod(place["shape"]))
    return np.frombuffer(blob, np.float32, count, 4 + length + place["offset"]).reshape(place["shape"])
