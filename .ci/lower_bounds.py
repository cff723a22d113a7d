"""Prints a constraint for each direct dependency: the lowest version that pyproject.toml allows.

torch and torchvision are left to constraints.txt: their lowest releases are builds of gigabytes.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = ("fiberscope", "torch", "torchvision")
BOUND = re.compile(r"(?P<name>[\w.-]+)(\[[\w,]+\])?>=(?P<version>[\w.]+)")


def lowest() -> dict[str, str]:
    """Returns the lowest version of each direct dependency by its name; raises ValueError where one has no bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    found = {}
    for requirement in [*project["dependencies"], *(each for extra in extras for each in extra)]:
        if requirement.partition("[")[0] == "fiberscope":
            continue
        bound = BOUND.match(requirement)
        if bound is None:
            raise ValueError(f"{requirement!r} has no lower bound; write it as name>=version")
        found[bound["name"]] = bound["version"]
    return found


def present() -> dict[str, str]:
    """Returns the pinned versions of what is left out."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    return {name: pins[name] for name in LEFT_OUT if name in pins}


if __name__ == "__main__":
    for name, version in sorted((lowest() | present()).items()):
        print(f"{name}=={version}")  # noqa: T201
