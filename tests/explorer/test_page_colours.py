"""A network of one's own on colour images is explored as the digits are."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect

from chromium import needs_chromium
from explorer.page import WAIT, blank_tab, pull, residual, settled, shown, state_of, stroke
from explorer.process import serving

pytestmark = needs_chromium

SHAPE = (3, 20, 24)
NETWORK = """
import torch
from torch import nn

def make():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.SiLU(), nn.Flatten(), nn.Linear(480, 24)).eval()
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("colours")
    (folder / "net.py").write_text(NETWORK)
    coarse = torch.rand(6, 3, 5, 6, generator=torch.Generator().manual_seed(1))
    images = torch.nn.functional.interpolate(coarse, SHAPE[1:], mode="bilinear")
    np.savez(folder / "colours.npz", images=images.numpy())
    return folder


@pytest.fixture(scope="module")
def colours(files):
    shape = tuple(str(size) for size in SHAPE)
    named = ("--model", f"{files / 'net.py'}:make", "--images", str(files / "colours.npz"), "--input-shape", *shape)
    with serving(*named) as address:
        yield address


@pytest.fixture
def page(browser, colours):
    with blank_tab(browser) as tab:
        tab.goto(colours)
        settled(tab, [])
        yield tab


def latent_of(files, image):
    space = {}
    exec((files / "net.py").read_text(), space)
    with torch.no_grad():
        return space["make"]()(torch.from_numpy(image.copy())[None])[0]


def test_colours_are_picked_dragged_and_morphed_on_the_fiber(page, files):
    page.locator("[data-testid=thumb][data-index='2']").click()
    settled(page, [])
    start = shown(page)
    pull(page, 0.4)
    settled(page, ["drag"])
    page.get_by_role("tab", name="Morph").click()
    page.get_by_role("button", name="Choose an image").click()
    page.locator("[data-testid=thumb][data-index='4']").click()
    page.get_by_role("button", name=re.compile("as near")).click()
    expect(page.locator(".morph .result")).to_be_visible(timeout=WAIT)
    page.wait_for_function("() => fiberscope.shown().moves.at(-1).kind === 'morph'")
    expect(page.get_by_role("button", name="Keep", exact=True)).to_be_enabled(timeout=WAIT)
    assert residual(page) <= 1e-4
    end = shown(page)
    assert end.shape == SHAPE
    assert np.abs(end - start).max() > 0.05
    target = latent_of(files, start)
    assert float((latent_of(files, end) - target).norm() / target.norm()) <= 1e-4


def test_the_brush_paints_a_colour(page, tmp_path):
    page.get_by_label("Colour").fill("#ff8000")
    stroke(page)
    settled(page, ["paint"])
    painted = state_of(page)["moves"][0]
    plane = len(painted["pixels"]) // 3
    assert painted["values"] == [255] * plane + [128] * plane + [0] * plane
    held = shown(page).reshape(3, -1)[:, painted["pixels"][:plane]]
    np.testing.assert_allclose(held, np.array([[255], [128], [0]]) / 255 * np.ones((3, plane)), atol=1e-6)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    download.value.save_as(tmp_path / "found.png")
    with Image.open(tmp_path / "found.png") as image:
        assert (image.mode, image.size) == ("RGB", (SHAPE[2], SHAPE[1]))
        row, column = divmod(painted["pixels"][0], SHAPE[2])
        assert image.getpixel((column, row)) == (255, 128, 0)


def test_what_is_not_known_of_them_takes_no_room(page):
    expect(page.get_by_test_id("class")).to_have_count(0)
    expect(page.get_by_test_id("verdict")).to_have_count(0)
    expect(page.get_by_text("No judges know these images.")).to_be_visible()
