import shutil

import pytest

from fiberscope.cli.app import run
from fiberscope.survey import run_survey
from fiberscope.survey.database import Database
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


@pytest.fixture(scope="session")
def compared(done, tmp_path_factory):
    """That survey, one whose luck is doubled and whose blindness is halved, and the folder that compares them."""
    folder = tmp_path_factory.mktemp("compared")
    shutil.copytree(done, folder / "other")
    with Database(folder / "other" / "records.duckdb", write=True) as database:
        database.ask("UPDATE records SET luck = luck * 2, blindness = blindness / 2")
    assert run(["survey", "compare", str(done), str(folder / "other"), "--out", str(folder / "result")]) == 0
    return done, folder / "other", folder / "result"
