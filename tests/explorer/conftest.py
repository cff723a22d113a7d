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


@pytest.fixture
def tab(browser, server):
    """The page at its first image; whatever its console complains of fails the test."""
    from explorer.page import blank_tab, settled

    with blank_tab(browser) as tab:
        tab.goto(server)
        settled(tab, [])
        yield tab
