"""How soon the explorer answers: from the hand to the drawn image in a real browser, and with many people at once.

Run from a checkout: python benchmarks/explorer.py [--chromium PATH]
Starts the command as a process. Latencies of drags and strokes are measured by the page itself, from the input event to
the frame drawn; those of many people by clients that ask for the next frame when they have the last.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
import websockets
from playwright.sync_api import Page, sync_playwright

import fiberscope as fs
from fiberscope.explorer.wire import decode

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "results" / "explorer.json"
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
IMAGES = (0, 1, 2, 3, 4, 8)
BASES = ("data", "variations", "toward")
PEOPLE = (1, 20)
SECONDS = 12.0
SPECIAL = 60  # of a second: a mouse


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    asked = parser.parse_args()
    with serving() as address:
        figures = {
            "begun": datetime.now(UTC).isoformat(timespec="seconds"),
            "in the browser": in_browser(address, asked.chromium),
            "people at once": {str(count): asyncio.run(people(address, count)) for count in PEOPLE},
        }
    OUT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))
    return 0


@contextlib.contextmanager
def serving() -> Iterator[str]:
    command = [sys.executable, "-m", "fiberscope", "explore", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = next(line for line in process.stdout if "http://" in line)
        yield next(word for word in line.split() if word.startswith("http://"))
    finally:
        process.terminate()
        process.wait()


def in_browser(address: str, chromium: str) -> dict[str, object]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.add_init_script(_LISTEN)
        page.goto(address)
        _ready(page)
        first = drag(page, 0)
        drags = {}
        for basis in BASES:
            waits = []
            for index in IMAGES:
                _open(page, index)
                page.get_by_label("Directions").select_option(basis)
                _ready(page)
                waits += drag(page, 1)
            drags[basis] = waits
        figures: dict[str, object] = {
            "first drag after load": _told(first),
            **{f"drag, basis {basis}": _told(waits) for basis, waits in drags.items()},
            "drag, all bases": _told([wait for waits in drags.values() for wait in waits]),
            "frames a second while dragging, median": round(float(np.median(_frames)), 1),
            "paint": _told([wait for index in IMAGES for wait in paint(page, index)]),
            "morph": [morph(page, index, other) for index, other in zip(IMAGES, reversed(IMAGES), strict=True)],
        }
        _open(page, 0)
        page.get_by_role("radio", name="Natural").check()
        page.wait_for_function("() => window.fiberscope.state().space === 'natural'")
        page.get_by_label("Directions").select_option("data")
        _ready(page)
        figures["drag, natural"] = _told(drag(page, 0) + drag(page, 1))
        browser.close()
        return figures


_LISTEN = """window.heard = [];
const add = WebSocket.prototype.addEventListener;
WebSocket.prototype.addEventListener = function (type, heed, ...rest) {
  return add.call(this, type, type !== 'message' ? heed : event => {
    heed(event);
    const length = new DataView(event.data).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(event.data, 4, length)));
    window.heard.push([performance.now(), header.type, header.on_fiber ?? null, header.done ?? null]);
  }, ...rest);
};"""


def _ready(page: Page) -> None:
    page.wait_for_function(
        "() => { const slider = document.querySelector('[data-testid=card] input');"
        " return slider && !slider.disabled && document.querySelector('[data-frame]'); }"
    )
    page.wait_for_timeout(400)


def _open(page: Page, index: int) -> None:
    page.get_by_label("Go to index").fill(str(index))
    page.keyboard.press("Enter")
    page.wait_for_function("index => window.fiberscope.shown()?.image.index === index", arg=index)
    page.get_by_role("tab", name="Drag").click()
    _ready(page)


def drag(page: Page, place: int) -> list[float]:
    """Two seconds along a slider, out to 3.6 in image distance and back; waits in milliseconds."""
    slider = page.get_by_test_id("card").nth(place).get_by_role("slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.evaluate("() => { window.fiberscope.latencies.length = 0; window.heard.length = 0; }")
    middle, across = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle, across)
    page.mouse.down()
    began, steps = time.perf_counter(), 2 * SPECIAL
    for step in range(1, steps + 1):
        share = 0.6 * (1 - abs(2 * step / steps - 1))
        page.mouse.move(middle + share * box["width"] / 2, across)
        time.sleep(max(0.0, began + step / SPECIAL - time.perf_counter()))
    page.mouse.up()
    page.wait_for_timeout(300)
    heard = page.evaluate("window.heard.filter(([, type]) => type === 'frame')")
    off = [frame for frame in heard if not frame[2]]
    if off:
        print(f"{len(off)} of {len(heard)} frames off the fiber, not drawn", file=sys.stderr)
    _frames.append(len(heard) / 2)
    return page.evaluate("[...window.fiberscope.latencies]")


_frames: list[float] = []


def paint(page: Page, index: int) -> list[float]:
    _open(page, index)
    box = page.get_by_test_id("image").bounding_box()
    page.evaluate("() => { window.fiberscope.latencies.length = 0; }")
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.85 * box["height"])
    page.mouse.down()
    for step in range(1, SPECIAL + 1):
        page.mouse.move(box["x"] + (0.2 + 0.5 * step / SPECIAL) * box["width"], box["y"] + 0.85 * box["height"])
        time.sleep(1 / SPECIAL)
    page.mouse.up()
    page.wait_for_timeout(600)
    return page.evaluate("[...window.fiberscope.latencies]")


def morph(page: Page, index: int, other: int) -> dict[str, float]:
    """Milliseconds from the click to the first frames and to the last ones."""
    _open(page, index)
    page.get_by_role("tab", name="Morph").click()
    page.locator(".morph .chosen").click()
    page.locator(f"[data-testid=thumb][data-index='{other}']").click()
    button = page.get_by_role("button", name="Go as near")
    page.evaluate("() => { window.heard.length = 0; }")
    began = button.evaluate("button => { const began = performance.now(); button.click(); return began; }")
    page.wait_for_function("() => window.heard.some(([, type, , done]) => type === 'film' && done)", timeout=60_000)
    films = page.evaluate("window.heard.filter(([, type]) => type === 'film')")
    return {"first frame": round(films[0][0] - began, 1), "complete": round(films[-1][0] - began, 1)}


async def people(address: str, count: int) -> dict[str, object]:
    """So many sessions that drag without pause: frames a second of each, waits, and whether every frame is right."""
    ends = time.perf_counter() + SECONDS
    found = await asyncio.gather(*(person(address, number, ends) for number in range(count)))
    frames = [len(waits) for waits, _ in found]
    worst = max(worst for _, worst in found)
    return {
        "frames a second, all": round(sum(frames) / SECONDS, 1),
        "frames a second of one, least": round(min(frames) / SECONDS, 2),
        "frames a second of one, most": round(max(frames) / SECONDS, 2),
        "greatest |f(x) - z0| / |z0|, by the network itself": worst,
        **_told([wait for waits, _ in found for wait in waits]),
    }


async def person(address: str, number: int, ends: float) -> tuple[list[float], float]:
    origin = address.rstrip("/")
    encoder = fs.models.load("mnist-classifier").encoder
    waits, kept = [], []
    async with websockets.connect(origin.replace("http", "ws") + "/session", origin=origin, max_size=None) as socket:
        await socket.recv()
        step = 0
        while time.perf_counter() < ends:
            step += 1
            amounts = [0.0] * 12
            amounts[number % 12] = 3 * abs(math.sin(0.05 * step))  # never twice the same: nothing is remembered
            drag_ = {"kind": "drag", "basis": "data", "seed": 0, "to": None, "amounts": amounts}
            state = {
                "v": 1,
                "image": {"index": number},
                "space": "pixels",
                "radius": 0,
                "straight": False,
                "moves": [drag_],
            }
            began = time.perf_counter()
            await socket.send(json.dumps({"type": "show", "id": step, "state": state}))
            while True:
                header, arrays = decode(await socket.recv())
                if header["type"] == "error":
                    raise RuntimeError(header["message"])
                if header["type"] == "frame":
                    break
            waits.append(1000 * (time.perf_counter() - began))
            if step % 10 == 0:
                kept.append((arrays["image"].copy(), arrays["start"].copy()))
    images, starts = (torch.from_numpy(np.stack(part)) for part in zip(*kept, strict=True))
    with torch.no_grad():
        target = encoder(starts)
        return waits, float(((encoder(images) - target).norm(dim=1) / target.norm(dim=1)).max())


def _told(waits: list[float]) -> dict[str, float]:
    return {
        "waits": len(waits),
        "median, ms": round(float(np.median(waits)), 1),
        "95 % within, ms": round(float(np.quantile(waits, 0.95)), 1),
        "longest, ms": round(max(waits), 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
