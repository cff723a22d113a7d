"""What the page does when something goes wrong between it, its server and its address, in a real browser."""

from __future__ import annotations

import json
import re
import struct

import pytest
from playwright.sync_api import expect

from chromium import needs_chromium
from explorer.page import WAIT, blank_tab, open_link, pull, settled, state_of

pytestmark = needs_chromium

FIRST = {"v": 1, "image": {"index": 0}, "space": "pixels", "radius": 0, "straight": False, "moves": []}


@pytest.mark.parametrize("code", [1001, 1013])
def test_after_a_farewell_it_waits_for_the_person(browser, server, code):
    with blank_tab(browser) as tab:
        sockets = relay(tab)
        tab.goto(server)
        settled(tab, [])
        sockets[0].close(code=code)
        expect(tab.get_by_role("button", name="Connect again")).to_be_visible()
        tab.wait_for_timeout(2500)
        assert len(sockets) == 1
        tab.keyboard.press("Shift")
        expect(tab.get_by_text("connected", exact=True)).to_be_visible(timeout=WAIT)
        expect(tab.get_by_role("button", name="Connect again")).to_be_hidden()
        assert len(sockets) == 2
        pull(tab, 0.3)
        settled(tab, ["drag"])


def test_a_server_without_a_welcome_is_asked_less_and_less_often(browser, server):
    with blank_tab(browser) as tab:
        sockets = []

        def refuse(socket):
            sockets.append(socket)
            socket.close(code=1011)

        tab.route_web_socket(re.compile("/session$"), refuse)
        tab.goto(server)
        tab.wait_for_timeout(4000)
        assert 2 <= len(sockets) <= 5
        before = len(sockets)
        tab.get_by_role("button", name="Connect again").click()
        tab.wait_for_timeout(200)
        assert len(sockets) == before + 1


@pytest.mark.parametrize(
    "change",
    [
        {"moves": [None]},
        {"moves": [{"kind": "paint"}]},
        {"moves": [{"kind": "morph", "to": None, "share": 1}]},
        {"moves": [{"kind": "constructor"}]},
        {"image": {"index": 10**6}},
    ],
)
def test_a_broken_link_leads_to_the_first_image_and_says_so(browser, server, tab, change):
    open_link(tab, {**FIRST, "image": {"index": 5}, **change})
    tab.wait_for_function("() => location.hash.length > 10")
    broken = tab.url
    with blank_tab(browser) as other:
        other.goto(broken)
        settled(other, [])
        assert state_of(other) == FIRST
        expect(other.get_by_test_id("notice")).to_contain_text("first image instead")


def test_a_server_with_another_model_gets_a_new_page(browser, server):
    with blank_tab(browser) as tab:
        sockets = relay(tab, welcome=lambda place, header: {**header, "count": 77} if place == 1 else header)
        tab.goto(server)
        settled(tab, [])
        pull(tab, 0.3)
        settled(tab, ["drag"])
        tab.evaluate("window.before = true")
        sockets[0].close(code=1012)
        tab.wait_for_function("() => window.before === undefined")
        settled(tab, [])  # the state was one of other data
        assert len(sockets) == 3


def test_a_server_with_another_layer_gets_a_new_page_with_the_same_state(browser, server):
    with blank_tab(browser) as tab:
        sockets = relay(tab, welcome=lambda place, header: {**header, "layer": "other"} if place == 1 else header)
        tab.goto(server)
        settled(tab, [])
        pull(tab, 0.3)
        settled(tab, ["drag"])
        tab.evaluate("window.before = true")
        sockets[0].close(code=1012)
        tab.wait_for_function("() => window.before === undefined")
        settled(tab, ["drag"])


def test_all_of_a_long_notice_is_read_by_keyboard_and_the_image_stays(browser, server):
    with blank_tab(browser) as tab:
        sockets = relay(tab)
        tab.goto(server)
        settled(tab, [])
        place = tab.get_by_test_id("image").bounding_box()
        sentence = "It does not go this way, because of one thing and of another. " * 12
        sockets[0].send(message({"type": "error", "id": None, "message": sentence}))
        notice = tab.get_by_test_id("notice")
        assert tab.evaluate("e => e.scrollHeight > e.clientHeight", notice.element_handle())
        tab.get_by_role("button", name="Read all").press("Enter")
        assert tab.evaluate("e => e.scrollHeight <= e.clientHeight", notice.element_handle())
        assert tab.get_by_test_id("image").bounding_box() == place
        tab.keyboard.press("Escape")
        expect(tab.get_by_role("button", name="Read all")).to_be_visible()


def test_what_to_do_off_the_fiber_is_said_in_words_of_the_page(tab):
    whole = {"kind": "paint", "pixels": list(range(784)), "values": [128] * 784}
    open_link(tab, {**FIRST, "moves": [whole]})
    settled(tab, ["paint"], on_fiber=False)
    said = tab.get_by_test_id("notice")
    expect(said).to_contain_text("Release pixels")
    expect(said).not_to_contain_text("num_")


def test_where_the_cursor_is_and_what_is_there_is_said(tab):
    image = tab.get_by_test_id("image")
    assert image.get_attribute("role") == "application"
    image.focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowUp")
    said = tab.get_by_test_id("stage").get_by_test_id("cursor")
    expect(said).to_have_text(re.compile(r"row 14, column 16, free, grey \d+ %"))
    tab.keyboard.press("Space")
    settled(tab, ["paint"])
    expect(said).to_have_text("row 14, column 16, painted, grey 100 %")
    tab.get_by_role("button", name="Undo").focus()
    expect(said).to_be_empty()


def test_a_film_that_breaks_leaves_the_committed_image(browser, server):
    with blank_tab(browser) as tab:
        held = []

        def film(header, rest):
            if header["type"] != "film":
                return True
            held.append(header["id"])
            return len(held) == 1

        sockets = relay(tab, forward=film)
        tab.goto(server)
        settled(tab, [])
        keep = tab.get_by_role("button", name="Keep", exact=True)
        tab.get_by_role("tab", name="Morph").click()
        tab.get_by_role("button", name="Choose an image").click()
        tab.locator("[data-testid=thumb][data-index='8']").click()
        tab.get_by_role("button", name=re.compile("as near")).click()
        tab.wait_for_function("() => window.fiberscope.shown().moves.length === 1")
        expect(keep).to_be_disabled()
        tab.wait_for_timeout(500)
        sockets[0].send(message({"type": "error", "id": held[0], "message": "It broke."}))
        tab.wait_for_function("() => window.fiberscope.shown().moves.length === 0")
        expect(keep).to_be_enabled()
        expect(tab.get_by_test_id("notice")).to_have_text("It broke.")
        tab.wait_for_timeout(500)
        assert tab.evaluate("window.fiberscope.shown()") == state_of(tab) == FIRST


def test_undo_takes_back_one_move_at_a_time(tab):
    slider = tab.get_by_test_id("card").first.get_by_role("slider")
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    settled(tab, ["drag"])
    once = state_of(tab)
    # Both presses within a second, and new directions between them.
    tab.get_by_role("button", name="Go on from here").click()
    expect(slider).to_have_js_property("value", "0", timeout=WAIT)
    expect(slider).to_be_enabled(timeout=WAIT)
    slider.press("ArrowRight")
    settled(tab, ["drag", "drag"])
    tab.keyboard.press("Control+z")
    settled(tab, ["drag"])
    assert state_of(tab) == once
    tab.keyboard.press("Control+z")
    settled(tab, [])


def test_it_lives_in_a_strange_page_and_leaves_it_as_it_was(browser, server):
    with blank_tab(browser) as tab:
        # A page of the server's own origin, but nothing of the explorer is left in it.
        tab.goto(server)
        settled(tab, [])
        tab.evaluate("window.fiberscope.unmount()")
        strange = '<header>theirs</header><button class="row">theirs</button><div id="place"></div>'
        tab.evaluate("document.querySelectorAll('link[rel=stylesheet]').forEach(link => link.remove())")
        tab.evaluate("html => { document.body.innerHTML = html; }", strange)
        looks = """() => ['button', 'header'].map(name => {
            const style = getComputedStyle(document.querySelector(`body > ${name}`));
            return [...style].filter(p => !p.startsWith('--')).map(p => style.getPropertyValue(p)).join();
        })"""
        before = tab.evaluate(looks)
        tab.evaluate(MOUNT)
        expect(tab.get_by_test_id("thumb").first).to_be_visible(timeout=WAIT)
        stage = tab.get_by_test_id("stage")
        expect(stage).to_have_attribute("data-on-fiber", "true", timeout=WAIT)
        assert tab.evaluate(looks) == before
        assert tab.evaluate("getComputedStyle(document.querySelector('#place button')).borderRadius") == "6px"
        tab.evaluate("window.handle.unmount()")
        assert tab.evaluate("document.getElementById('place').outerHTML") == '<div id="place" class=""></div>'
        assert tab.evaluate("window.socket.readyState") >= 2
        tab.keyboard.press("Control+z")
        tab.evaluate("location.hash = 's=x'")
        tab.wait_for_timeout(300)


def relay(tab, *, welcome=lambda place, header: header, forward=lambda header, rest: True):
    """Stand between the page and its server; returns the sockets as they are opened, the page's side of them."""
    sockets = []

    def stand_between(socket):
        place = len(sockets)
        sockets.append(socket)
        server = socket.connect_to_server()

        def pass_on(blob):
            (length,) = struct.unpack_from("<I", blob)
            header = json.loads(blob[4 : 4 + length])
            if header["type"] == "welcome":
                blob = message(welcome(place, header))
            if forward(header, blob[4 + length :]):
                socket.send(blob)

        server.on_message(pass_on)

    tab.route_web_socket(re.compile("/session$"), stand_between)
    return sockets


def message(header) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text


# As a notebook would, with a page around it that has its own looks.
MOUNT = """async () => {
  for (const name of ['theme', 'explorer']) {
    const link = Object.assign(document.createElement('link'), {rel: 'stylesheet', href: `/page/${name}.css`});
    await new Promise(resolve => { link.onload = resolve; document.head.append(link); });
  }
  const [{mount}, {createTransport}, {createAddress}] =
    await Promise.all(['view', 'transport', 'address'].map(name => import(`/page/${name}.js`)));
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket { constructor(...all) { super(...all); window.socket = this; } };
  const transport = createTransport(location.origin.replace('http', 'ws') + '/session');
  window.handle = mount(document.getElementById('place'), transport, {address: createAddress(window)});
}"""
