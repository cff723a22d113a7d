"""A survey in a folder that can only be read: somebody else's, or one on a shared disk."""

import json
import shlex
import subprocess
import sys

import pytest

from fiberscope.survey.lock import alone_in, is_running
from surveys import COUNT

RUN = """
import contextlib, io, json, sys
from fiberscope.cli.app import run
for arguments in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run(["survey", *arguments])
    print(json.dumps([code, " ".join(said.getvalue().split())]))
"""


def in_read_only(folder, script, *arguments):
    """What a script says in a namespace of its own, where the folder cannot be written."""
    command = shlex.join([sys.executable, "-c", script, *arguments])
    shell = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} || exit 77; {command}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", shell], capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no namespace of its own: {done.stderr}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_survey_that_can_only_be_read_is_read_and_what_would_write_says_where_else_it_can_go(done, tmp_path):
    page, table = str(tmp_path / "page.html"), str(tmp_path / "all.parquet")
    asked = {
        ("status",): (0, f"{COUNT} of {COUNT}"),
        ("query", "SELECT count(*) FROM records"): (0, str(COUNT)),
        ("summary", "--to", page): (0, f"Report: {page}"),
        ("export", "--to", table): (0, table),
        ("summary",): (2, f"Read-only file system: '{done}"),
        ("export",): (2, "Name a file in another folder by --to"),
        ("resume",): (2, f"out: folder {done} cannot be written"),
    }
    said = in_read_only(done, RUN, json.dumps([[*arguments, "--out", str(done)] for arguments in asked]))
    for line, (wanted, words) in zip(said.splitlines(), asked.values(), strict=True):
        code, told = json.loads(line)
        assert code == wanted, told
        assert words in told
    assert {"page.html", "all.parquet"} <= {file.name for file in tmp_path.iterdir()}


def test_whether_a_survey_runs_is_seen_there_too(done):
    ask = "import sys; from pathlib import Path; from fiberscope.survey.lock import is_running; "
    ask += "print(is_running(Path(sys.argv[1])))"
    with alone_in(done):
        assert in_read_only(done, ask, str(done)) == "True\n"
    assert in_read_only(done, ask, str(done)) == "False\n"
    assert not is_running(done)
