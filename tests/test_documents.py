"""Documents cannot lag behind the code."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App

import fiberscope as fs
import fiberscope.explorer
import fiberscope.survey
from fiberscope.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs():
    codes = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    printed = []
    for code in codes:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=250, check=False)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert printed[0].count("converged") == 4
    assert printed[1].count("Verdict.") == 4


def test_the_reference_is_what_the_docstrings_say_now():
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    script = ROOT / "docs" / "make_reference.py"
    fresh = subprocess.run(
        [sys.executable, "-c", f"import runpy; print(runpy.run_path({str(script)!r})['reference'](), end='')"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert fresh.stdout == written, "run: python docs/make_reference.py"


def test_every_public_name_explains_itself():
    own = (fs.problem, fs.geometry, fs.moves, fs.variations, fs.judges, fs.models, fs.data, fs.gallery)
    for package in (fs, *own, fiberscope.survey, fiberscope.explorer):
        for name in package.__all__:
            if callable(getattr(package, name)):
                assert inspect.getdoc(getattr(package, name)), f"{name} has no docstring"


def test_every_relative_link_of_the_documents_leads_somewhere():
    pages = (f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
    for document in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", *pages):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert ((ROOT / document).parent / target).exists(), f"{document} links to {target}"


def test_the_readme_shows_every_command():
    for command in walk_commands(app):
        assert f"`fiberscope {command}`" in README


def walk_commands(group: App, *above: str) -> Iterator[str]:
    """Names of all commands that do something, as one types them."""
    names = [name for name in group if not name.startswith("-")]
    for name in names:
        yield from walk_commands(group[name], *above, name)
    if above and not names:
        yield " ".join(above)
