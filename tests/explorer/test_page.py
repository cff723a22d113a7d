"""What a person does at the page, in a real browser, against a server of its own."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

import fiberscope as fs
from chromium import needs_chromium
from explorer.contrast import CONTRAST
from explorer.page import WAIT, open_link, pull, residual, settled, shown, state_of, stroke
from explorer.process import address_of, serving, start

pytestmark = needs_chromium


def test_a_person_sees_the_first_image_on_its_fiber(tab):
    assert residual(tab) <= 1e-4
    assert tab.get_by_test_id("class").inner_text() == "7"
    expect(tab.get_by_test_id("verdict")).to_contain_text("7", timeout=WAIT)
    assert tab.get_by_test_id("thumb").count() >= 20


def test_dragging_changes_the_image_and_not_its_latent(tab):
    pull(tab, 0.5)
    settled(tab, ["drag"])
    assert residual(tab) <= 1e-4
    assert float(tab.get_by_test_id("distance").get_attribute("data-value")) > 1
    assert len(tab.evaluate("window.fiberscope.latencies")) > 0


def test_the_straight_line_drifts_and_says_so(tab):
    pull(tab, 0.6)
    settled(tab, ["drag"])
    tab.get_by_role("radio", name="Straight line").check()
    settled(tab, ["drag"], on_fiber=False)
    assert residual(tab) > 1e-3


def test_undo_and_redo_go_through_everything(tab):
    pull(tab, 0.4)
    settled(tab, ["drag"])
    stroke(tab)
    settled(tab, ["drag", "paint"])
    tab.keyboard.press("Control+z")
    settled(tab, ["drag"])
    tab.get_by_role("button", name="Undo").click()
    settled(tab, [])
    tab.keyboard.press("Control+Shift+z")
    settled(tab, ["drag"])
    tab.get_by_role("button", name="Redo").click()
    settled(tab, ["drag", "paint"])


def test_painted_pixels_stay_and_the_eraser_frees_them(tab):
    stroke(tab)
    settled(tab, ["paint"])
    assert residual(tab) <= 1e-4
    painted = state_of(tab)["moves"][0]
    pull(tab, 0.4)
    settled(tab, ["paint", "drag"])
    image = shown(tab)
    assert image.reshape(-1)[painted["pixels"]].tolist() == pytest.approx(
        [v / 255 for v in painted["values"]], abs=1e-6
    )
    tab.get_by_role("radio", name="Eraser").check()
    stroke(tab)
    settled(tab, ["paint", "drag", "release"])


def test_what_cannot_be_painted_is_said(tab):
    whole = {"kind": "paint", "pixels": list(range(784)), "values": [128] * 784}
    open_link(tab, {**state_of(tab), "moves": [whole]})
    settled(tab, ["paint"], on_fiber=False)
    expect(tab.get_by_test_id("notice")).not_to_be_empty()


def test_a_morph_ends_nearer_to_the_other_image(tab):
    tab.get_by_role("tab", name="Morph").click()
    tab.get_by_role("button", name="Choose an image").click()
    tab.locator("[data-testid=thumb][data-index='8']").click()
    tab.get_by_role("button", name=re.compile("as near")).click()
    tab.wait_for_function("() => window.fiberscope.state().moves.map(m => m.kind).join() === 'morph'")
    expect(tab.locator(".morph .result")).to_be_visible(timeout=WAIT)
    near, apart = (
        float(x) for x in re.search(r"([\d.]+) of ([\d.]+)", tab.locator(".morph .result").inner_text()).groups()
    )
    assert 0 < near < apart
    expect(tab.get_by_test_id("stage")).to_have_attribute("data-on-fiber", "true")


def test_natural_images_are_dragged_and_not_painted(tab):
    tab.get_by_role("radio", name="Natural").check()
    tab.wait_for_function("() => window.fiberscope.state().space === 'natural'")
    settled(tab, [])
    pull(tab, 0.3)
    settled(tab, ["drag"])
    assert residual(tab) <= 1e-4
    expect(tab.get_by_role("radio", name="Paint")).to_be_hidden()
    expect(tab.get_by_text(re.compile("paint", re.IGNORECASE)).last).to_be_visible()


def test_a_tube_opens_directions_that_the_network_sees(tab):
    tab.get_by_role("tab", name="Neighbourhood").click()
    slider = tab.get_by_label("Radius")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    tab.wait_for_function("() => window.fiberscope.state().radius > 0")
    tab.get_by_role("tab", name="Drag").click()
    tab.get_by_label("Directions").select_option("seen")
    expect(tab.get_by_test_id("card")).to_have_count(8, timeout=WAIT)
    pull(tab, 0.2)
    settled(tab, ["drag"])
    assert residual(tab) > 1e-3


def test_images_are_filtered_sorted_and_found(tab):
    tab.get_by_label("Sort by").select_option("confidence")
    tab.get_by_label("Class", exact=True).select_option("4")
    expect(tab.get_by_text(re.compile("of 982"))).to_be_visible(timeout=WAIT)
    tab.get_by_label("Go to index").fill("1234")
    tab.keyboard.press("Enter")
    tab.wait_for_function("() => window.fiberscope.state().image.index === 1234")
    settled(tab, [])


def test_an_image_of_ones_own_is_uploaded_or_drawn(tab, tmp_path):
    digit = fs.data.mnist("test").images[3]
    file = tmp_path / "own.png"
    save(digit, file)
    tab.get_by_role("tab", name="File").click()
    tab.get_by_label("Image file").set_input_files(file)
    tab.get_by_role("button", name="Use this image").click()
    tab.wait_for_function("() => 'pixels' in window.fiberscope.state().image")
    settled(tab, [])
    assert np.abs(shown(tab) - digit.numpy()).max() <= 1.01 / 255
    tab.get_by_role("tab", name="Draw").click()
    box = tab.locator(".pad:visible").bounding_box()
    tab.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=10)
    tab.mouse.up()
    before = state_of(tab)["image"]["pixels"]
    tab.get_by_role("button", name="Use this drawing").click()
    tab.wait_for_function("before => window.fiberscope.state().image.pixels !== before", arg=before)
    settled(tab, [])


def test_the_archive_holds_images_that_are_on_the_fiber(tab, tmp_path):
    pull(tab, 0.5)
    settled(tab, ["drag"])
    tab.get_by_role("button", name="Keep", exact=True).click()
    expect(tab.get_by_test_id("kept")).to_have_count(1)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download npz").click()
    file = tmp_path / "kept.npz"
    download.value.save_as(file)
    with np.load(file, allow_pickle=False) as archive:
        images, starts = torch.from_numpy(archive["images"]), torch.from_numpy(archive["starts"])
        assert json.loads(str(archive["states"][0])) == state_of(tab)
    encoder = fs.models.load("mnist-classifier").encoder
    with torch.no_grad():
        target = encoder(starts)
        assert float((encoder(images) - target).norm() / target.norm()) <= 1e-4
    assert float((images - starts).norm()) > 1


@pytest.mark.parametrize(("button", "kind"), [("PNG", b"\x89PNG"), ("APNG", b"\x89PNG"), ("WebP", b"RIFF")])
def test_pictures_are_downloaded(tab, tmp_path, button, kind):
    pull(tab, 0.3)
    settled(tab, ["drag"])
    with tab.expect_download() as download:
        tab.get_by_role("button", name=re.compile(rf"Download .*\b{button}\b")).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.read_bytes().startswith(kind)


def test_a_link_restores_what_was_seen(tab):
    pull(tab, 0.5, place=1)
    settled(tab, ["drag"])
    stroke(tab)
    settled(tab, ["drag", "paint"])
    image, state = shown(tab), state_of(tab)
    tab.wait_for_function("() => location.hash.length > 10")
    again = tab.context.new_page()
    again.goto(tab.url)
    settled(again, ["drag", "paint"])
    assert state_of(again) == state
    assert np.array_equal(shown(again), image)
    tab.reload()
    settled(tab, ["drag", "paint"])
    assert np.array_equal(shown(tab), image)


def test_everything_is_done_by_keyboard(tab):
    tab.get_by_test_id("card").first.get_by_role("slider").focus()
    for _ in range(6):
        tab.keyboard.press("ArrowRight")
    settled(tab, ["drag"])
    tab.get_by_test_id("image").focus()
    for key in ("ArrowRight", "ArrowDown", "Space"):
        tab.keyboard.press(key)
    settled(tab, ["drag", "paint"])
    reached = set()
    for _ in range(60):
        tab.keyboard.press("Tab")
        reached.add(
            tab.evaluate(
                "document.activeElement.closest('[data-testid]')?.dataset.testid ?? document.activeElement.textContent"
            )
        )
    assert {"thumb", "card", "Keep"} <= reached


@pytest.mark.parametrize("size", [(1280, 720), (820, 1180)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen_and_every_control_has_a_name(tab, size, scheme):
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    sideways = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert sideways <= 0
    unnamed = """[...document.querySelectorAll('button, select, input, canvas[role=img]')].filter(
        e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length || e.title)).length"""
    assert tab.evaluate(unnamed) == 0


def test_what_is_written_is_read_with_ease(tab):
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        worst = tab.evaluate(CONTRAST)
        assert worst["ratio"] >= 4.5, (scheme, worst)


def test_the_connection_comes_back(browser):
    first = start()
    address = address_of(first)
    context = browser.new_context()
    context.set_default_timeout(WAIT)
    tab = context.new_page()
    tab.goto(address)
    settled(tab, [])
    pull(tab, 0.4)
    settled(tab, ["drag"])
    before = tab.get_by_test_id("stage").get_attribute("data-frame")
    first.kill()
    first.communicate()
    expect(tab.get_by_text("connected", exact=True)).to_be_hidden(timeout=WAIT)
    with serving("--port", address.rstrip("/").rpartition(":")[2]):
        expect(tab.get_by_text("connected", exact=True)).to_be_visible(timeout=WAIT)
        expect(tab.get_by_test_id("stage")).not_to_have_attribute("data-frame", before, timeout=WAIT)
        settled(tab, ["drag"])
    context.close()


def save(image, file):
    from PIL import Image

    Image.fromarray((255 * image[0]).round().to(torch.uint8).numpy()).save(file)
