"""Everything that a person does is undone and done again, and what they copy as Python makes what they see."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from chromium import needs_chromium
from explorer.page import WAIT, open_link, pull, settled, shown, state_of, stroke
from explorer.test_script import run

pytestmark = needs_chromium


def pick(tab):
    tab.locator("[data-testid=thumb][data-index='3']").click()


def draw(tab):
    tab.get_by_role("tab", name="Draw").click()
    tab.locator(".pad:visible").click()
    tab.get_by_role("button", name="Use this drawing").click()


def morph(tab):
    tab.get_by_role("tab", name="Morph").click()
    tab.get_by_role("button", name=re.compile("Choose an image")).click()
    tab.locator("[data-testid=thumb][data-index='8']").click()
    tab.get_by_role("button", name=re.compile("as near")).click()
    expect(tab.locator(".morph .result")).to_be_visible(timeout=WAIT)
    expect(tab.get_by_role("button", name="Keep", exact=True)).to_be_enabled(timeout=WAIT)


def widen(tab):
    tab.get_by_role("tab", name="Neighbourhood").click()
    tab.get_by_label("Radius").fill("0.2")


def straighten(tab):
    pull(tab, 0.3)
    settled(tab, ["drag"])
    tab.get_by_role("radio", name="Straight line").check()


def erase(tab):
    stroke(tab)
    settled(tab, ["paint"])
    tab.get_by_role("radio", name="Eraser").check()
    stroke(tab)


def release(tab):
    stroke(tab)
    settled(tab, ["paint"])
    tab.get_by_role("button", name="Release all").click()


def restore(tab):
    tab.get_by_role("button", name="Keep", exact=True).click()
    pull(tab, 0.3)
    settled(tab, ["drag"])
    tab.get_by_test_id("kept").click()


def follow(tab):
    open_link(tab, {**state_of(tab), "image": {"index": 6}})


def become_natural(tab):
    tab.get_by_role("radio", name="Natural").check()


DEEDS = (pick, draw, morph, widen, straighten, erase, release, restore, follow, become_natural)


@pytest.mark.parametrize("deed", DEEDS, ids=[deed.__name__ for deed in DEEDS])
def test_it_is_undone_and_done_again(tab, deed):
    stands = "wanted => JSON.stringify(fiberscope.shown()) === wanted"
    first = text(state_of(tab))
    deed(tab)
    undo, redo = (tab.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(undo).to_be_enabled(timeout=WAIT)
    tab.wait_for_function("() => JSON.stringify(fiberscope.state()) === JSON.stringify(fiberscope.shown())")
    last = text(state_of(tab))
    undo.click()
    tab.wait_for_function("last => JSON.stringify(fiberscope.shown()) !== last", arg=last)
    redo.click()
    tab.wait_for_function(stands, arg=last)
    while undo.is_enabled():
        undo.click()
    tab.wait_for_function(stands, arg=first)


def text(value):
    return json.dumps(value, separators=(",", ":"))


def test_what_is_copied_as_python_makes_the_image_that_is_seen(tab, tmp_path):
    pull(tab, 0.5)
    settled(tab, ["drag"])
    stroke(tab)
    settled(tab, ["drag", "paint"])
    seen = shown(tab)
    tab.get_by_role("button", name="Copy as Python").click()
    script = tab.get_by_role("dialog").get_by_role("textbox").input_value()
    _, image = run(script, tmp_path)
    np.testing.assert_allclose(image.numpy(), seen, atol=1e-5)
