"""Documents cannot lag behind the code."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import fiberscope as fs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs():
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("converged") == 4


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
    for package in (fs, fs.problem, fs.geometry, fs.moves, fs.models, fs.data, fs.gallery):
        for name in package.__all__:
            if callable(getattr(package, name)):
                assert inspect.getdoc(getattr(package, name)), f"{name} has no docstring"


def test_every_relative_link_of_the_documents_leads_somewhere():
    for document in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/reference.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert ((ROOT / document).parent / target).exists(), f"{document} links to {target}"


def test_the_readme_shows_every_command():
    for command in ("demo", "spectrum", "walk", "nearest", "project", "train classifier", "data fetch mnist"):
        assert f"`fiberscope {command}`" in README
