"""The command opens a survey, and a person sorts its images by what was measured, in a real browser."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from chromium import needs_chromium
from explorer.page import WAIT, blank_tab
from explorer.process import serving
from fiberscope.explorer.wire import decode
from fiberscope.survey import query, run_survey
from surveys import COUNT, choose, write_survey


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    files = tmp_path_factory.mktemp("files")
    choice = choose(files, files / "survey", "spectrum", "own:picky")
    run_survey(choice, write_survey(files))
    return choice.out


@pytest.fixture(scope="module")
def address(survey):
    with serving("--survey", str(survey)) as address:
        yield address


def test_the_command_offers_what_was_measured(survey, address):
    there = urlsplit(address).netloc
    with connect(f"ws://{there}/session", origin=f"http://{there}", proxy=None) as visitor:
        welcome, _ = decode(visitor.recv(timeout=60))
    assert (welcome["count"], welcome["shape"]) == (COUNT, [1, 6, 6])
    told = {each["name"]: each for each in welcome["columns"]}
    assert told["ink"] == {"name": "ink", "meaning": "sum of its pixels", "unit": "intensity"}


@needs_chromium
def test_images_are_sorted_by_what_was_measured(browser, survey, address):
    rows = query(survey, "SELECT image FROM records WHERE ink IS NOT NULL ORDER BY ink, image").rows
    smallest_first = [str(image) for (image,) in rows]
    with blank_tab(browser) as tab:
        tab.goto(address)
        expect(tab.get_by_test_id("thumb")).to_have_count(COUNT, timeout=WAIT)
        tab.get_by_label("Sort by").select_option("ink")
        expect(tab.get_by_test_id("sorted-by")).to_have_text("ink: sum of its pixels (intensity)")
        expect(tab.get_by_test_id("thumb").last).to_have_text("–")
        assert order(tab) == [*smallest_first, "7"]
        tab.get_by_role("button", name="Largest first").click()
        expect(tab.get_by_test_id("thumb").first).to_have_attribute("data-index", smallest_first[-1])
        assert order(tab) == [*reversed(smallest_first), "7"]
        tab.get_by_label("Sort by").select_option("index")
        expect(tab.get_by_test_id("sorted-by")).to_be_hidden()


def order(tab):
    return [thumb.get_attribute("data-index") for thumb in tab.get_by_test_id("thumb").all()]
