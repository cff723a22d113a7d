"""What goes into the package: the README's links, and an sdist that has what its own tests read."""

import re
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

ROOT = Path(__file__).parents[1]
HOME = "https://example.org/project"
LINKS = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")


def built_readme(home):
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    configuration["tool"]["hatch"]["metadata"]["hooks"]["custom"]["home"] = home
    return ProjectMetadata(str(ROOT), PluginManager(), configuration).core.readme


def test_without_a_home_the_readme_is_built_as_it_is():
    assert built_readme("") == (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("home", [HOME, f"{HOME}/"])
def test_with_a_home_every_relative_link_and_picture_of_the_readme_is_absolute(home):
    written = LINKS.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    built = LINKS.findall(built_readme(home))
    assert sum(not target.startswith("https:") for _, target in written) > 20
    for (picture, before), (_, after) in zip(written, built, strict=True):
        kept = before.startswith(("https:", "#"))
        assert after == (before if kept else f"{HOME}/{'raw' if picture else 'blob'}/HEAD/{before}")


def test_the_source_distribution_has_every_file_that_is_under_version_control(tmp_path):
    archive = next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with tarfile.open(archive) as tar:
        inside = {name.partition("/")[2] for name in tar.getnames()}
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    wanted = {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}
    if listed.returncode:  # from an sdist: what lies here is what it has
        wanted = {"README.md", "Makefile", ".ci/run", "tests/conftest.py", "docs/models.md", "benchmarks/reach.py"}
    assert wanted - {".gitattributes"} <= inside
