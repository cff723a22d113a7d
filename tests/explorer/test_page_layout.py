"""Whatever has been done at the page, on whatever screen: nothing covers a control, and what is written is legible."""

from __future__ import annotations

import json

import pytest

from chromium import needs_chromium
from explorer.contrast import CONTRAST
from explorer.page import WAIT, blank_tab, open_link, pull, settled, state_of

pytestmark = needs_chromium

SCREENS = {"desktop": (1280, 720), "upright": (820, 1180), "on its side": (1024, 768)}

# Controls whose middle is on the screen, not scrolled away inside their column, and not what is found there.
COVERED = """() => {
  const inside = e => { for (let p = e.parentElement; p; p = p.parentElement) {
    const [a, b] = [e.getBoundingClientRect(), p.getBoundingClientRect()];
    if (getComputedStyle(p).overflow !== 'visible' && (a.bottom > b.bottom || a.top < b.top
        || a.left < b.left - 1 || a.right > b.right + 1)) return false;
  } return true; };
  return [...document.querySelectorAll('button, select, input')].filter(e => {
    const box = e.getBoundingClientRect();
    const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    if (!e.checkVisibility() || !inside(e) || y < 0 || y > innerHeight) return false;
    const found = document.elementFromPoint(x, y);
    return !(e.contains(found) || found?.closest('label')?.control === e);
  }).map(e => e.getAttribute('aria-label') || e.textContent || e.type); }"""
SMALL = """least => [...document.querySelectorAll('button, select, input')].filter(e => {
    const box = (e.type === 'radio' || e.type === 'checkbox' ? e.closest('label') : e).getBoundingClientRect();
    return e.checkVisibility() && Math.min(box.width, box.height) < least - 0.5;
  }).map(e => [e.getAttribute('aria-label') || e.textContent || e.labels?.[0]?.textContent, e.type])"""


def keep(tab, count):
    for place in range(count):
        open_link(tab, {**state_of(tab), "moves": [drag(0.2 * (place + 1))]})
        settled(tab, ["drag"])
        tab.get_by_role("button", name="Keep", exact=True).click()


def drag(amount):
    return {"kind": "drag", "basis": "data", "seed": 0, "to": None, "amounts": [amount] + [0] * 11}


@pytest.mark.parametrize("screen", SCREENS)
def test_a_full_tray_stays_in_its_column_and_covers_nothing(tab, screen):
    width, height = SCREENS[screen]
    tab.set_viewport_size({"width": width, "height": height})
    keep(tab, 7)
    assert tab.evaluate(COVERED) == []
    column, tray = (tab.locator(name).bounding_box() for name in (".left", ".tray"))
    assert tray["x"] + tray["width"] <= column["x"] + column["width"]
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.get_by_test_id("kept").first.click()
    tab.wait_for_function("amount => fiberscope.shown()?.moves[0]?.amounts[0] === amount", arg=0.2)


@pytest.mark.parametrize("screen", ["desktop", "on its side"])
def test_image_and_figures_are_seen_while_a_slider_is_dragged(tab, screen):
    width, height = SCREENS[screen]
    tab.set_viewport_size({"width": width, "height": height})
    pull(tab, 0.4)
    settled(tab, ["drag"])
    assert tab.evaluate("scrollY") == 0
    for name in ("image", "residual", "distance", "verdict", "difference", "latents"):
        box = tab.get_by_test_id(name).bounding_box()
        assert box["y"] >= 0, name
        assert box["y"] + box["height"] <= height, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_is_legible_in_every_state(tab, scheme):
    tab.emulate_media(color_scheme=scheme)
    whole = {"kind": "paint", "pixels": list(range(784)), "values": [128] * 784}

    def legible(state):
        worst = tab.evaluate(CONTRAST)
        assert worst["ratio"] >= 4.5, (state, worst)

    keep(tab, 1)
    tab.get_by_label("Sort by").select_option("confidence")
    legible("kept, news, sorted")
    open_link(tab, {**state_of(tab), "straight": True})
    settled(tab, ["drag"], on_fiber=False)
    legible("a straight line")
    open_link(tab, {**state_of(tab), "straight": False, "moves": [whole]})
    settled(tab, ["paint"], on_fiber=False)
    legible("a painting that cannot be")
    for name in ("Morph", "Neighbourhood"):
        tab.get_by_role("tab", name=name).click()
        legible(name)
    for name in ("Draw", "File"):
        tab.get_by_role("tab", name=name).click()
        legible(name)
    tab.get_by_role("tab", name="Drag").click()
    tab.get_by_role("radio", name="Natural").check()
    settled(tab, [])
    tab.get_by_role("tab", name="Morph").click()
    tab.get_by_role("button", name="Choose an image").click()
    legible("an image is asked for")
    tab.get_by_role("button", name="Copy as Python").click()
    tab.get_by_role("dialog").wait_for()
    legible("a script")


def test_what_a_mouse_presses_is_large_enough(tab):
    tab.get_by_role("tab", name="Morph").click()
    assert tab.evaluate(SMALL, 24) == []
    tab.get_by_role("tab", name="Drag").click()
    assert tab.evaluate(SMALL, 24) == []


@pytest.mark.parametrize("screen", ["upright", "on its side"])
def test_a_finger_drags_and_paints(browser, server, screen):
    width, height = SCREENS[screen]
    with blank_tab(browser, viewport={"width": width, "height": height}, has_touch=True) as tab:
        tab.goto(server)
        settled(tab, [])
        assert tab.evaluate(SMALL, 28) == []
        touch = finger(tab)
        slider = tab.get_by_test_id("card").first.get_by_role("slider")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        across = box["y"] + box["height"] / 2
        touch((box["x"] + box["width"] / 2, across), (box["x"] + 0.7 * box["width"], across))
        settled(tab, ["drag"])
        assert state_of(tab)["moves"][0]["amounts"][0] == pytest.approx(2.4, abs=0.4)
        tab.get_by_test_id("image").scroll_into_view_if_needed()
        box = tab.get_by_test_id("image").bounding_box()
        across = box["y"] + 0.9 * box["height"]
        before = tab.evaluate("scrollY")
        touch((box["x"] + 0.3 * box["width"], across), (box["x"] + 0.6 * box["width"], across - 20))
        settled(tab, ["drag", "paint"])
        assert len(state_of(tab)["moves"][1]["pixels"]) > 8
        assert tab.evaluate("scrollY") == before


def finger(tab):
    """Puts a finger down, moves it in small steps, and lifts it."""
    session = tab.context.new_cdp_session(tab)

    def touch(start, end, steps=12):
        for step in range(steps + 1):
            x, y = (a + step / steps * (b - a) for a, b in zip(start, end, strict=True))
            kind = "touchStart" if step == 0 else "touchMove"
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    return touch


def test_keys_go_from_left_to_right_and_into_each_group_once(tab):
    order = []
    tab.evaluate("document.activeElement.blur()")
    for _ in range(80):
        tab.keyboard.press("Tab")
        place = tab.evaluate(PLACE)
        if place is None:
            break
        if place not in order[-1:]:
            order.append(place)
    assert order == ["header", "picker", "tray", "stage", "change"], json.dumps(order)


PLACE = """['header', '.picker', '.tray', '.stage', '.change'].find(
    name => document.activeElement.closest(name))?.replace('.', '') ?? null"""


def test_a_difference_of_class_off_the_fiber_is_not_called_a_collision(tab):
    open_link(tab, {**state_of(tab), "straight": True, "moves": [drag(3.8)]})
    settled(tab, ["drag"], on_fiber=False)
    said = tab.get_by_test_id("verdict")
    tab.wait_for_function("() => !document.querySelector('.verdict').matches('.stale')", timeout=WAIT)
    assert said.inner_text() == "0, unlike the network"
    assert "collision" not in tab.locator(".verdict").get_attribute("class")
    assert tab.locator(".judges li").count() == 4
    assert "% sure" in tab.locator(".verdict").inner_text()


@pytest.mark.parametrize("screen", ["desktop", "on its side"])
def test_nothing_scrolls_under_the_brush(tab, screen):
    width, height = SCREENS[screen]
    tab.set_viewport_size({"width": width, "height": height})
    pull(tab, 0.4)
    settled(tab, ["drag"])
    tab.wait_for_function("() => document.querySelectorAll('.judges li').length === 4", timeout=WAIT)
    assert tab.evaluate("(e => e.scrollHeight - e.clientHeight)(document.querySelector('.stage'))") == 0
