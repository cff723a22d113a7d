import pytest

from fiberscope.survey import run_survey
from surveys import choose, write_survey


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder with a network, images and measures, and the network's choice."""
    folder = tmp_path_factory.mktemp("files")
    return folder, write_survey(folder)


@pytest.fixture(scope="session")
def done(files, tmp_path_factory):
    """A survey that nothing disturbed."""
    folder, network = files
    out = tmp_path_factory.mktemp("done") / "survey"
    run_survey(choose(folder, out, "recognition", "spectrum", "variations", "ranges", "nearest", "own:own"), network)
    return out
