"""Writes docs/reference.md: every public name with the first sentence of its docstring."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

import fiberscope as fs
import fiberscope.explorer
import fiberscope.survey

HEAD = "# Reference\n\nEvery public name and the first sentence about it; `help(name)` in Python has the rest.\n"


def reference() -> str:
    """The text of docs/reference.md."""
    own = (fs.problem, fs.geometry, fs.moves, fs.variations, fs.judges, fs.models, fs.data, fs.gallery)
    packages = (fs, *own, fiberscope.survey, fiberscope.explorer)
    return HEAD + "".join(_section(package) for package in packages)


def _section(package: ModuleType) -> str:
    rows = [f"| `{name}` | {_sentence(getattr(package, name))} |\n" for name in package.__all__]
    return f"\n## {package.__name__}\n\n| name | |\n|---|---|\n" + "".join(rows)


def _sentence(value: object) -> str:
    if not (callable(value) or inspect.ismodule(value)):
        return "`" + type(value).__name__ + "`"
    text = inspect.getdoc(value) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


if __name__ == "__main__":
    Path(__file__).with_name("reference.md").write_text(reference(), encoding="utf-8")
