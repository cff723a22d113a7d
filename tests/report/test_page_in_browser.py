"""In a real browser the page shows everything, asks for nothing, and fits every screen."""

import pytest
import torch

from chromium import needs_chromium
from fiberscope.gallery import image_grid, theme, to_png
from fiberscope.report import Figure, Page, Section, write
from report.pages import full_page

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return write(full_page(), tmp_path_factory.mktemp("page") / "report.html").as_uri()


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    yield context.new_page()
    context.close()


def test_nothing_is_asked_for_but_the_file_and_nothing_goes_wrong(tab, address):
    asked, troubles = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.goto(address)
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert troubles == []


def test_every_picture_is_shown(tab, address):
    tab.goto(address)
    widths = tab.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) == 2
    assert min(widths) > 0


@pytest.mark.parametrize("width", [1280, 390])
def test_a_small_picture_grows_by_a_third_so_that_its_words_stay_like_those_of_others(tab, tmp_path, width):
    picture = image_grid(torch.zeros(1, 28, 28))
    shown = Section("Question?", "Finding.", (Figure(to_png(picture), "Black.", "A black tile."),))
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto(write(Page("Title", "Lead.", (), (shown,)), tmp_path / "page.html").as_uri())
    box = tab.locator(".card img").bounding_box()
    drawn_for = picture.width / theme.DENSITY
    assert box["width"] == pytest.approx(1.35 * drawn_for, abs=1)
    assert box["height"] / box["width"] == pytest.approx(picture.height / picture.width, rel=0.02)


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_the_page_never_scrolls_sideways_but_wide_pictures_do(tab, address, width):
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto(address)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.evaluate("document.body.scrollWidth") <= width
    inside = tab.evaluate("[...document.querySelectorAll('.card')].map(card => card.scrollWidth - card.clientWidth)")
    assert (max(inside) > 0) == (width == 390)


def test_every_link_leads_to_its_question(tab, address):
    tab.emulate_media(reduced_motion="reduce")
    tab.set_viewport_size({"width": 1280, "height": 400})
    tab.goto(address)
    for link in tab.locator("nav a").all():
        link.click()
        target = tab.locator(f"[id='{link.get_attribute('href')[1:]}']")
        top = target.bounding_box()["y"]
        assert 0 <= top < 400, link.text_content()


def test_the_first_key_offers_to_skip_to_the_findings(tab, address):
    tab.goto(address)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.locator(".skip").bounding_box()["y"] >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"


def test_what_has_the_focus_is_outlined(tab, address):
    tab.goto(address)
    for _ in range(2):
        tab.keyboard.press("Tab")
    outline = tab.evaluate("getComputedStyle(document.activeElement).outline")
    assert "3px" in outline


def test_a_dark_screen_gets_a_dark_page_and_pictures_keep_their_paper(tab, address):
    grounds = {}
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.goto(address)
        grounds[scheme] = tab.evaluate(
            "['body', '.card'].map(name => getComputedStyle(document.querySelector(name)).backgroundColor)"
        )
    assert grounds["light"] == ["rgb(251, 250, 247)"] * 2
    assert grounds["dark"] == ["rgb(20, 23, 27)", "rgb(251, 250, 247)"]


def test_print_shows_the_findings_and_not_the_contents(tab, address):
    tab.emulate_media(media="print", color_scheme="dark")
    tab.goto(address)
    assert not tab.locator("nav").is_visible()
    assert tab.locator(".finding").first.is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 247)"
