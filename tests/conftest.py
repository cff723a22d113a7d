"""Every test runs with the shapes and types of the signatures checked, on one thread.

Small networks gain nothing from a second thread, and lose much where other work shares the cores.
"""

import os
import signal
import tempfile
from pathlib import Path

from jaxtyping import install_import_hook

# A suite that was started in the background inherits that Ctrl-C is ignored; the processes that it starts must not.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What tests trust is not what the user trusts.
_TRUSTED = tempfile.TemporaryDirectory(prefix="fiberscope-trusted-")
os.environ["FIBERSCOPE_TRUSTED"] = f"{_TRUSTED.name}/trusted.json"

install_import_hook("fiberscope", "beartype.beartype")

import pytest  # noqa: E402
import torch  # noqa: E402  (the hook has to stand before anything imports fiberscope)

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def browser():
    """Chromium; of a module, because what drives it keeps an event loop running, which other tests cannot have."""
    from playwright.sync_api import sync_playwright

    from chromium import CHROMIUM, QUIET

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


HERE = Path(__file__).parent
COSTLY = (
    "survey/test_kills.py",
    "analysis/test_demo.py",
    "explorer/test_page.py",
    "cli/test_analyse.py",
    "analysis/study/test_natural.py",
    "moves/test_on_digits.py",
    "cli/test_rows_and_compare.py",
    "analysis/study/test_variations.py",
    "analysis/study/test_neighbourhood.py",
    "survey/test_faults.py",
)
"""Files that take longest, which begin first: at the end one worker would wait for another that has just begun one."""


def pytest_collection_modifyitems(items):
    first = {HERE / name: place for place, name in enumerate(COSTLY)}
    items.sort(key=lambda item: first.get(item.path, len(first)))
