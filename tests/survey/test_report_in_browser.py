"""In a real browser the pages of surveys show everything, ask for nothing, and fit a desk and a phone."""

import pytest
from playwright.sync_api import sync_playwright

from chromium import CHROMIUM, QUIET, needs_chromium
from fiberscope.survey import run_survey, write_report
from survey.test_judges import JUDGE
from surveys import choose, write_survey

pytestmark = needs_chromium
MEASURES = ("recognition", "spectrum", "variations", "ranges", "nearest", "collisions", "own:picky")


@pytest.fixture(scope="module")
def pages(compared, tmp_path_factory):
    """The page of a survey with everything, one image failed, and that of a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    network = write_survey(folder)
    (folder / "judge.py").write_text(JUDGE)
    choice = choose(folder, folder / "survey", *MEASURES, judge=(f"{folder / 'judge.py'}:three",), batch_size=24)
    run_survey(choice, network)
    return {"survey": write_report(choice.out), "comparison": compared[2] / "report.html"}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(("name", "pictures"), [("survey", 15), ("comparison", 4)])
def test_a_page_of_a_survey_is_whole_on_every_screen(name, pictures, width, pages, browser):
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab, asked, troubles = context.new_page(), [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.goto(pages[name].as_uri())
    assert troubles == []
    assert [url for url in asked if not url.startswith("data:")] == [pages[name].as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    widths = tab.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) == pictures
    assert min(widths) > 0
    outside = "[...document.querySelectorAll('main p, main pre, main figure, main .scroll')]"
    outside += ".filter(part => part.getBoundingClientRect().right > innerWidth).length"
    assert tab.evaluate(outside) == 0
    context.close()


def test_the_page_of_a_survey_answers_what_was_measured(pages, browser):
    tab = browser.new_page()
    tab.goto(pages["survey"].as_uri())
    questions = tab.locator("main h2").all_inner_texts()
    for words in ("can it not see", "how strongly", "notice", "before it notices", "takes for the same", "judges",
                  "else was measured", "could not be computed", "each column mean"):  # fmt: skip
        assert any(words in question for question in questions), words
    assert "seven is too much" in tab.locator("main").inner_text()
    assert "fiberscope survey query" in tab.locator("main pre").last.inner_text()
    tab.close()
