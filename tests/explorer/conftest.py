import pytest

from explorer.process import serving
from fiberscope import models
from fiberscope.explorer import open_scene


@pytest.fixture(scope="session")
def scene():
    """The shipped classifier and the test digits, opened once: nothing in a scene changes."""
    return open_scene()


@pytest.fixture(scope="session")
def encoder():
    """The network itself, loaded beside the scene, so that its latents share nothing with what they judge."""
    return models.load("mnist-classifier").encoder


@pytest.fixture(scope="session")
def server():
    """The command as a process, ready: where it listens."""
    with serving() as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """Chromium; of a module, because what drives it keeps an event loop running, which other tests cannot have."""
    from playwright.sync_api import sync_playwright

    from chromium import CHROMIUM, QUIET

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser, server):
    """The page at its first image; whatever its console complains of fails the test."""
    from explorer.page import blank_tab, settled

    with blank_tab(browser) as tab:
        tab.goto(server)
        settled(tab, [])
        yield tab
