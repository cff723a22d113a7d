from __future__ import annotations

import pytest
import torch

from fiberscope.data import LabelledImages, mnist
from fiberscope.judges import shipped_panel, train_judges


@pytest.fixture(scope="session")
def digits() -> LabelledImages:
    return mnist("test")


@pytest.fixture(scope="session")
def panel():
    return shipped_panel()


@pytest.fixture(scope="session")
def few(digits):
    """A training set that is there without a network, and small."""
    return LabelledImages(digits.images[:240], digits.labels[:240], "few")


@pytest.fixture(scope="session")
def trained(few, tmp_path_factory):
    """A folder of judges trained on few digits, and their cards."""
    out = tmp_path_factory.mktemp("judges")
    with torch.random.fork_rng(devices=[]):
        return out, train_judges(few, few, out=out)
